"""Marks: the metadata that lets a movement or a refund be found again without our ledger; and the idempotency keys.

An attempt is not part of a mark: whichever attempt succeeded, the mark says which step it was. Metadata values hold 500
characters (docs.stripe.com/api/metadata), so the lots of a debit spread over numbered keys where they need to.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CASE = "refund_worker_case"
RUN = "refund_worker_run"
STEP = "refund_worker_step"
LOTS = "refund_worker_lots"
DEBIT = "refund_worker_debit"
INVOICE = "refund_worker_invoice"
REFUND = "refund_worker_refund"

VALUE_LENGTH_MAX = 500  # docs.stripe.com/api/metadata
_LOT = re.compile(r"(cbtxn_[A-Za-z0-9_]{1,200})(?:@([A-Za-z0-9_]{1,200}))?:([1-9][0-9]{0,17})")


class MarkUnreadable(ValueError):
    """A mark that this program cannot have written: somebody edited the metadata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLot:
    """The part of a lot that a debit takes: the lot's balance transaction and a positive amount in minor units.

    `part` says which lot of a balance transaction that opened several (`Lot.part`); None takes them in their order.
    """

    transaction: str
    amount_minor: int
    part: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Whose step this is. `step`: reserve, refund:N, give_back:N or recredit:N."""

    case: str
    run: str
    step: str
    lots: tuple[NamedLot, ...] = ()
    debit: str | None = None
    invoice: str | None = None
    refund: str | None = None

    @property
    def kind(self) -> str:
        """The step without its number: reserve, refund, give_back or recredit."""
        return self.step.partition(":")[0]


def write_mark(mark: Mark) -> dict[str, str]:
    """Return the metadata for a mark; every value at most 500 characters."""
    metadata = {CASE: mark.case, RUN: mark.run, STEP: mark.step}
    for position, value in enumerate(_lot_values(mark.lots)):
        metadata[LOTS if position == 0 else f"{LOTS}_{position + 1}"] = value
    for name, content in ((DEBIT, mark.debit), (INVOICE, mark.invoice), (REFUND, mark.refund)):
        if content is not None:
            metadata[name] = content
    return metadata


def read_mark(metadata: Mapping[str, str]) -> Mark | None:
    """Return the mark that metadata carries, or None where it is not ours.

    Raises:
        MarkUnreadable: If the metadata has our case but not the rest in our form.
    """
    case = metadata.get(CASE)
    if not case:
        return None
    run, step = metadata.get(RUN), metadata.get(STEP)
    if not run or not step:
        raise MarkUnreadable(f"the mark of case {case} lacks its run or step")
    return Mark(
        case=case,
        run=run,
        step=step,
        lots=tuple(_read_lots(metadata)),
        debit=metadata.get(DEBIT),
        invoice=metadata.get(INVOICE),
        refund=metadata.get(REFUND),
    )


def step_key(*, case: str, step: str, attempt: int) -> str:
    """Return the idempotency key of a reserve or refund: case ids are random, so two deployments never share one."""
    return f"refund_worker:{case}:{step}:{attempt}"


def give_back_key(*, debit: str, returned_minor: int, attempt: int) -> str:
    """Return the key of a give-back or re-credit (rule GIVE_BACK_KEY_IS_COMPARE_AND_SET).

    Args:
        debit: The customer balance transaction that reserved.
        returned_minor: Given back and re-credited so far, as Stripe shows it, zero or more.
        attempt: From 1; grows only after a definite no.
    """
    return f"give_back:{debit}:{returned_minor}:{attempt}"


def _lot_values(lots: Iterable[NamedLot]) -> list[str]:
    values: list[str] = []
    for lot in lots:
        name = lot.transaction if lot.part is None else f"{lot.transaction}@{lot.part}"
        word = f"{name}:{lot.amount_minor}"
        if values and len(values[-1]) + 1 + len(word) <= VALUE_LENGTH_MAX:
            values[-1] = f"{values[-1]},{word}"
        else:
            values.append(word)
    return values


def _read_lots(metadata: Mapping[str, str]) -> Iterable[NamedLot]:
    position = 1
    while (value := metadata.get(LOTS if position == 1 else f"{LOTS}_{position}")) is not None:
        for word in value.split(","):
            found = _LOT.fullmatch(word)
            if found is None:
                raise MarkUnreadable("the mark's lots are not in the form cbtxn:amount")
            yield NamedLot(transaction=found[1], part=found[2], amount_minor=int(found[3]))
        position += 1
