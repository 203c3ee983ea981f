"""The states of a case, one table of allowed transitions, and the records of its steps.

    (none) -> reserving -> refunding -> closing -> closed
                  \\____________\\________/   \\--> owed
    (none) -> crediting -> deleting -> closed
                  \\______________________/

The second line is a conversion's. A case is live from its first intent until it is closed or owed. What never moved
anything - held or skipped - is not in this table but a standing (see `Standing`).
"""

from dataclasses import dataclass
from enum import StrEnum

from refund_worker.domain.plans import Plan
from refund_worker.domain.reasons import Reason


class State(StrEnum):
    """Where a case stands between its first intent and its end."""

    RESERVING = "reserving"
    REFUNDING = "refunding"
    CLOSING = "closing"
    CLOSED = "closed"
    OWED = "owed"
    CREDITING = "crediting"
    DELETING = "deleting"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.RESERVING: frozenset({State.REFUNDING, State.CLOSING, State.CLOSED}),
    State.REFUNDING: frozenset({State.CLOSING, State.CLOSED}),
    State.CLOSING: frozenset({State.CLOSED, State.OWED}),
    State.CLOSED: frozenset(),
    State.OWED: frozenset({State.CLOSED}),
    State.CREDITING: frozenset({State.DELETING, State.CLOSED}),
    State.DELETING: frozenset({State.CLOSED}),
}

# Of a case that moves pending items onto the balance.
CONVERTING = frozenset({State.CREDITING, State.DELETING})
LIVE = frozenset({State.RESERVING, State.REFUNDING, State.CLOSING}) | CONVERTING


class TransitionNotAllowed(Exception):
    """A bug: the table has no such transition."""


def check_transition(*, before: State, after: State) -> None:
    """Raise TransitionNotAllowed unless the table has the transition."""
    if after not in TRANSITIONS[before]:
        raise TransitionNotAllowed(f"{before} -> {after}")


class Outcome(StrEnum):
    """What became of a case, as reports and `--json` say it."""

    PLANNED = "planned"
    REFUNDED = "refunded"
    PARTLY_REFUNDED = "partly_refunded"
    HELD = "held"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    OWED = "owed"


class StepState(StrEnum):
    """What is known of one attempt of a step."""

    INTENDED = "intended"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class SendAnswer(StrEnum):
    """What one send of an attempt brought; a send without one may still be on its way."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOTHING_HAPPENED = "nothing_happened"
    UNKNOWN = "unknown"
    STORED_500 = "stored_500"


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One sending of an attempt by one claim. `answer` is None while none is recorded: the sender may be paused."""

    fence: int
    sent_at: int
    answered_at: int | None = None
    answer: SendAnswer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One attempt of one write to Stripe, with what was recorded before and after it.

    Attributes:
        name: reserve, refund:N, give_back:N, recredit:N, credit_items, correct:N - also in the mark - or delete_item:N.
        attempt: From 1; grows only after a definite no (rule NEW_ATTEMPT_AFTER_DEFINITE_NO).
        key: The idempotency key.
        amount_minor: Positive: the debit, the refund, the sum given back, credited or corrected, the item's amount.
        target: The charge of a refund, the item of a deletion; else the customer.
        params: The parameters sent, exactly (the same on every resend).
        before_minor: Reserve and give-back: the balance before, Stripe's sign. Refund: refunded on the charge before.
        stripe_id: cbtxn_, re_ or, deleted, ii_, once accepted.
        status: Of a refund.
        ending_balance_minor: Of a movement, Stripe's sign.
        code: Stripe's error code, or the HTTP status as text, where refused.
    """

    name: str
    attempt: int
    key: str
    amount_minor: int
    target: str
    params: dict[str, object]
    before_minor: int | None
    state: StepState
    intended_at: int
    answered_at: int | None = None
    stripe_id: str | None = None
    status: str | None = None
    ending_balance_minor: int | None = None
    request_id: str | None = None
    code: str | None = None
    sends: tuple[Send, ...] = ()

    @property
    def kind(self) -> str:
        """The step without its number."""
        return self.name.partition(":")[0]

    @property
    def stands(self) -> bool:
        """Accepted, and not a refund that failed or was canceled."""
        return self.state is StepState.ACCEPTED and self.status not in {"failed", "canceled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One customer's credit in one currency within a run, with its plan, its steps and its outcome.

    Attributes:
        covered_minor: Of the reserve, what the refundable lots covered; None until it is known
            (rule ENDING_BALANCE_TELLS_OF_MOVES).
        steps: In the order of their intents.
        fence: Of the newest claim.
    """

    id: str
    run: str
    account: str
    livemode: bool
    plan: Plan
    state: State
    outcome: Outcome | None
    reason: Reason | None
    opened_at: int
    closed_at: int | None
    covered_minor: int | None
    fence: int
    steps: tuple[Step, ...] = ()

    @property
    def live(self) -> bool:
        """Money may be short of the customer, or on its way."""
        return self.state in LIVE

    @property
    def converts(self) -> bool:
        """It moves pending items onto the balance, and refunds nothing."""
        return bool(self.plan.conversions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to act on a case until the lease ends (rule CLAIM_YOUNGER_THAN_LEASE)."""

    case: str
    worker: str
    fence: int
    claimed_at: int
    lease_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A hold or skip that persists over nights as one row.

    Attributes:
        since: When the reason was first seen, unbroken since then.
    """

    id: str
    run: str
    account: str
    livemode: bool
    outcome: Outcome
    reason: Reason
    plan: Plan
    since: int
    ended_at: int | None = None
