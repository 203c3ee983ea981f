"""Marks: the metadata that lets a movement or a refund be found again without our ledger; and the idempotency keys.

An attempt is not part of a mark: whichever attempt succeeded, the mark says which step it was. Metadata values hold 500
characters (docs.stripe.com/api/metadata), so the lots of a debit spread over numbered keys where they need to.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from refund_worker.domain.canonical import digest_of
from refund_worker.domain.conversions import Conversion, NamedItem
from refund_worker.domain.credit import Cause

CASE = "refund_worker_case"
RUN = "refund_worker_run"
STEP = "refund_worker_step"
LOTS = "refund_worker_lots"
DEBIT = "refund_worker_debit"
INVOICE = "refund_worker_invoice"
REFUND = "refund_worker_refund"
ITEMS = "refund_worker_items"
SUBSCRIPTION = "refund_worker_subscription"
PRORATION = "refund_worker_proration"
CAUSE = "refund_worker_cause"
CREDITED = "refund_worker_credited"
SINCE = "refund_worker_since"
CONVERSION = "refund_worker_conversion"
CUSTOMER = "refund_worker_customer"

VALUE_LENGTH_MAX = 500  # docs.stripe.com/api/metadata
_LOT = re.compile(r"(cbtxn_[A-Za-z0-9_]{1,200})(?:@([A-Za-z0-9_]{1,200}))?:([1-9][0-9]{0,17})")
_ITEM = re.compile(r"(ii_[A-Za-z0-9_]{1,200}):(-?[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


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
class Converted:
    """What the mark of a conversion's credit says of it: `Conversion` has the same by the same names."""

    subscription: str
    proration_minor: int
    cause: Cause
    credited: tuple[str, ...]
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Whose step this is. `step`: reserve, refund:N, give_back:N, recredit:N, credit_items or correct:N.

    Attributes:
        items: Of a conversion's credit, what it moved; of a correction, what it takes off again. Stripe's sign.
        converted: Of a conversion's credit.
        conversion: Of a correction: the oldest credit that named its item.
        customer: Of a conversion's credit: whose items these are. Copied to another customer it is no mark of ours.
    """

    case: str
    run: str
    step: str
    lots: tuple[NamedLot, ...] = ()
    debit: str | None = None
    invoice: str | None = None
    refund: str | None = None
    items: tuple[NamedItem, ...] = ()
    converted: Converted | None = None
    conversion: str | None = None
    customer: str | None = None

    @property
    def kind(self) -> str:
        """The step without its number: reserve, refund, give_back, recredit, credit_items or correct."""
        return self.step.partition(":")[0]


def write_mark(mark: Mark) -> dict[str, str]:
    """Return the metadata for a mark; every value at most 500 characters."""
    metadata = {CASE: mark.case, RUN: mark.run, STEP: mark.step}
    metadata |= _numbered(LOTS, (_lot_word(lot) for lot in mark.lots))
    metadata |= _numbered(ITEMS, (f"{item.item}:{item.amount_minor}" for item in mark.items))
    if mark.converted is not None:
        metadata |= _written(mark.converted)
    named = (
        (DEBIT, mark.debit),
        (INVOICE, mark.invoice),
        (REFUND, mark.refund),
        (CONVERSION, mark.conversion),
        (CUSTOMER, mark.customer),
    )
    return metadata | {name: content for name, content in named if content is not None}


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
        items=tuple(_read_items(metadata)),
        converted=_read_converted(metadata),
        conversion=metadata.get(CONVERSION),
        customer=metadata.get(CUSTOMER),
    )


def readable_mark(metadata: Mapping[str, str]) -> Mark | None:
    """Return the mark that metadata carries; None also where it cannot be read, which holds a plan by its own guard."""
    try:
        return read_mark(metadata)
    except MarkUnreadable:
        return None


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


def mark_of(conversion: Conversion, *, customer: str, case: str, run: str) -> Mark:
    """Return the mark of a conversion's credit."""
    return Mark(
        case=case,
        run=run,
        step="credit_items",
        customer=customer,
        items=conversion.items,
        converted=Converted(
            subscription=conversion.subscription,
            proration_minor=conversion.proration_minor,
            cause=conversion.cause,
            credited=conversion.credited,
            since=conversion.since,
        ),
    )


def credit_key(conversion: Conversion, *, customer: str, attempt: int) -> str:
    """Return the key of a conversion's credit, the same in every deployment (rule CREDIT_KEY_NAMES_THE_ITEMS).

    Args:
        conversion: What is moved, and how many movements of ours named the items before.
        customer: Whose items they are.
        attempt: From 1; grows only when the key is spent.
    """
    items = sorted(f"{item.item}:{item.amount_minor}" for item in conversion.items)
    named = digest_of(
        {"customer": customer, "currency": conversion.currency, "items": items, "earlier": conversion.earlier}
    )
    return f"credit_items:{named}:{attempt}"


def correct_key(*, item: str, carried_minor: int, moved: int, attempt: int) -> str:
    """Return the key of a correction (rule CORRECTION_KEY_IS_COMPARE_AND_SET).

    Args:
        item: What it takes off again.
        carried_minor: What is carried of it now, as Stripe shows it.
        moved: How many movements named it so far: what was carried once before has another key.
        attempt: From 1; grows only when the key is spent.
    """
    return f"correct:{item}:{carried_minor}:{moved}:{attempt}"


def _written(converted: Converted) -> dict[str, str]:
    return {
        SUBSCRIPTION: converted.subscription,
        PRORATION: str(converted.proration_minor),
        CAUSE: str(converted.cause),
        SINCE: str(converted.since),
    } | _numbered(CREDITED, converted.credited)


def _read_converted(metadata: Mapping[str, str]) -> Converted | None:
    subscription = metadata.get(SUBSCRIPTION)
    if subscription is None:
        return None
    try:
        cause = Cause(metadata.get(CAUSE, ""))
    except ValueError:
        raise MarkUnreadable("the mark's cause is none of ours") from None
    return Converted(
        subscription=subscription,
        proration_minor=_read_number(metadata, PRORATION),
        cause=cause,
        credited=tuple(_words(metadata, CREDITED)),
        since=_read_number(metadata, SINCE),
    )


def _read_number(metadata: Mapping[str, str], name: str) -> int:
    written = metadata.get(name, "")
    if _NUMBER.fullmatch(written) is None:
        raise MarkUnreadable(f"the mark's {name} is no number")
    return int(written)


def _lot_word(lot: NamedLot) -> str:
    name = lot.transaction if lot.part is None else f"{lot.transaction}@{lot.part}"
    return f"{name}:{lot.amount_minor}"


def _read_lots(metadata: Mapping[str, str]) -> Iterable[NamedLot]:
    for word in _words(metadata, LOTS):
        found = _LOT.fullmatch(word)
        if found is None:
            raise MarkUnreadable("the mark's lots are not in the form cbtxn:amount")
        yield NamedLot(transaction=found[1], part=found[2], amount_minor=int(found[3]))


def _read_items(metadata: Mapping[str, str]) -> Iterable[NamedItem]:
    for word in _words(metadata, ITEMS):
        found = _ITEM.fullmatch(word)
        if found is None:
            raise MarkUnreadable("the mark's items are not in the form ii:amount")
        yield NamedItem(item=found[1], amount_minor=int(found[2]))


def _numbered(name: str, words: Iterable[str]) -> dict[str, str]:
    """Spread words over `name`, `name_2`, `name_3` ..., for none of them may be too long."""
    values: list[str] = []
    for word in words:
        if values and len(values[-1]) + 1 + len(word) <= VALUE_LENGTH_MAX:
            values[-1] = f"{values[-1]},{word}"
        else:
            values.append(word)
    return {_key(name, position): value for position, value in enumerate(values, start=1)}


def _words(metadata: Mapping[str, str], name: str) -> Iterable[str]:
    position = 1
    while (value := metadata.get(_key(name, position))) is not None:
        yield from value.split(",")
        position += 1


def _key(name: str, position: int) -> str:
    return name if position == 1 else f"{name}_{position}"
