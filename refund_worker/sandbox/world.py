"""Everything that is remembered: objects, time, ids, what tests have asked for; and the events of what happens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from refund_worker.sandbox.clock import Clock, Due
from refund_worker.sandbox.errors import resource_missing
from refund_worker.sandbox.ids import Ids
from refund_worker.sandbox.listing import noun
from refund_worker.sandbox.store import Store
from refund_worker.sandbox.webhooks.listening import listeners

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

    from refund_worker.sandbox.store import Fields, Record

API_VERSION: Final = "2026-10-28.endive"
EVENTS_KEPT_SECONDS: Final = 30 * 24 * 3600  # docs.stripe.com/api/events/list


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOutcome:
    """How the next refund (of `charge`, or any) turns out: `status` at once, `then` (status, seconds later)."""

    charge: str | None
    status: str
    reason: str | None = None
    then: tuple[str, int] | None = None


@dataclass(slots=True)
class Controls:
    """What tests have asked for ahead of time."""

    refunds: list[RefundOutcome] = field(default_factory=list)
    funds: dict[str, tuple[int, int]] = field(default_factory=dict)  # currency -> available, set aside; minor units


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What does not change while a sandbox lives."""

    account: str
    livemode: bool
    seed: int
    renewals: bool


class World:
    """The state of one account in one mode."""

    def __init__(self, settings: Settings, *, now: int | Literal["real"], turn: Callable[[World, Due], None]) -> None:
        self.settings = settings
        self.store = Store()
        self.ids = Ids(seed=settings.seed)
        self.controls = Controls()
        self._turn = turn
        self.clock = Clock(start=now, turn=self._turned)
        self.request_id: str | None = None  # of the request being executed, for the events it causes
        self.idempotency_key: str | None = None
        self.bring: Callable[[Record, Sequence[Record]], None] | None = None  # sends events, while there is a server

    def _turned(self, due: Due) -> None:
        self._turn(self, due)

    @property
    def now(self) -> int:
        """Epoch seconds."""
        return self.clock.now

    def existing(self, kind: str, identifier: str, *, param: str = "id", status: int = 404) -> Record:
        """The record, if it exists and is not deleted.

        Raises:
            ApiError: `resource_missing`.
        """
        record = self.store.get(kind, identifier)
        if record is None or record.fields.get("deleted"):
            raise resource_missing(noun(kind), identifier, param=param, status=status)
        return record

    def named(self, kind: str, params: Mapping[str, Any], param: str) -> Record:
        """The record a parameter names; 400 if it does not exist."""
        return self.existing(kind, params[param], param=param, status=400)

    def emit(self, kind: str, fields: Fields, previous: Fields | None = None) -> None:
        """Add an event that holds the object as it is now, and what its changed fields were before."""
        shown: Fields = {"object": fields}
        if previous is not None:
            shown["previous_attributes"] = previous
        told = listeners(self.store, kind) if self.bring is not None else []
        event = self.store.insert(
            "event",
            {
                "id": self.ids.take("evt"),
                "object": "event",
                "api_version": API_VERSION,
                "created": self.now,
                "data": shown,
                "livemode": self.settings.livemode,
                "pending_webhooks": len(told),
                "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
                "type": kind,
            },
        )
        if self.bring is not None and told:
            self.bring(event, told)

    def copy(self) -> World:
        """An independent world with the same past; used by snapshots."""
        twin = World(self.settings, now=0, turn=self._turn)
        twin.store = self.store.copy()
        twin.ids = Ids(seed=self.settings.seed, objects=self.ids.objects, requests=self.ids.requests)
        controls = self.controls
        twin.controls = replace(controls, refunds=list(controls.refunds), funds=dict(controls.funds))
        twin.clock.adopt(self.clock.state())
        return twin
