"""The moves of a live case: what `domain.saga` decides and `usecases.execute_case` carries out."""

from dataclasses import dataclass

from refund_worker.domain.cases import State, Step
from refund_worker.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class IntendReserve:
    """Record and send the reserve's next attempt."""

    attempt: int


@dataclass(frozen=True, slots=True)
class IntendRefund:
    """Record and send a refund's attempt."""

    name: str
    attempt: int
    charge: str
    invoice: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Resend:
    """Send an attempt again, same key, same parameters (rule SAME_KEY_AFTER_UNKNOWN)."""

    step: Step


@dataclass(frozen=True, slots=True)
class LookTwice:
    """Look for an attempt by its mark, twice (rule STORED_500_NEEDS_TWO_ABSENT_LOOKUPS)."""

    step: Step


@dataclass(frozen=True, slots=True)
class Cover:
    """Find what the lots covered of the accepted reserve; `expected` says that its ending balance told of no move."""

    step: Step
    expected: bool


@dataclass(frozen=True, slots=True)
class AdoptByMark:
    """Adopt or give up every attempt without an answer by its mark (rule CLOSE_BY_MARK_AFTER_24_HOURS)."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class GoOn:
    """Move to another state, nothing to send."""

    state: State
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Give back the mark's rest, as Stripe shows it."""

    debit: Step


@dataclass(frozen=True, slots=True)
class Look:
    """Look for an attempt by its mark; it is not sent again while a halt stands (rule HALT_BEGINS_NOTHING)."""

    step: Step


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may be sent before then; the case stays live."""

    until: int


@dataclass(frozen=True, slots=True)
class IntendCredit:
    """Record and send another attempt of a conversion's credit."""


@dataclass(frozen=True, slots=True)
class LookForOthers:
    """The credit's key is another deployment's: look for its mark, twice (rule MISMATCHED_KEY_IS_SPENT)."""

    step: Step


@dataclass(frozen=True, slots=True)
class CompleteItems:
    """Delete what was credited, and take off again what cannot be deleted, until Stripe shows nothing left to do."""


Move = (
    IntendReserve
    | IntendRefund
    | Resend
    | LookTwice
    | Cover
    | AdoptByMark
    | GoOn
    | GiveBack
    | Look
    | Wait
    | IntendCredit
    | LookForOthers
    | CompleteItems
)
