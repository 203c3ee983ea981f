"""What goes wrong with deliveries by chance: the same seed and the same events give the same faults."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from refund_worker.sandbox.webhooks.spoiling import SPOILT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from refund_worker.sandbox.webhooks.delivering import Delivery

_SHARES: Final = ("lost", "doubled", "delayed", "reordered", "spoilt")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFaults:
    """Shares between 0 and 1 of the deliveries that meet each fault, drawn one by one; seconds are real ones.

    Attributes:
        lost: Never sent.
        doubled: Sent twice.
        delayed: Sent `delay_seconds` late.
        reordered: Sent up to `reorder_seconds` late, drawn, so that others overtake it.
        spoilt: Preceded by a forged, outdated, oversized, ... one of a kind in `spoiling`, which is not tried again.
    """

    seed: int = 1
    lost: float = 0.0
    doubled: float = 0.0
    delayed: float = 0.0
    delay_seconds: float = 5.0
    reordered: float = 0.0
    reorder_seconds: float = 1.0
    spoilt: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no share or no time."""
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share between 0 and 1, not {getattr(self, name)}")
        if self.delay_seconds < 0 or self.reorder_seconds < 0:
            raise ValueError("delay_seconds and reorder_seconds are not negative")


class Chance:
    """Draws what becomes of each delivery."""

    __slots__ = ("_draw", "faults")

    def __init__(self, faults: DeliveryFaults) -> None:
        self.faults = faults
        self._draw = random.Random(f"deliveries {faults.seed}")

    def fate(self, delivery: Delivery) -> Iterator[tuple[float, Delivery]]:
        """The deliveries that one becomes, each with the seconds it waits; none if it is lost."""
        rolled = {name: self._draw.random() < getattr(self.faults, name) for name in _SHARES}
        late, kind = self._draw.random(), self._draw.choice(SPOILT)
        if rolled["lost"]:
            return
        if rolled["spoilt"]:
            yield 0.0, dataclasses.replace(delivery, how=kind)
        wait = self.faults.delay_seconds if rolled["delayed"] else 0.0
        wait += late * self.faults.reorder_seconds if rolled["reordered"] else 0.0
        yield wait, delivery
        if rolled["doubled"]:
            yield wait, dataclasses.replace(delivery, how="doubled")
