"""The families of errors, named by what the caller must do.

A call to Stripe either answers or raises one of the three `StripeAnswer` families; nothing else crosses the gateway.
`OutcomeUnknown` is the default: whatever is not recognised as a definite no or as "nothing happened" may have happened.
"""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True, eq=False)
class StripeError(Exception):
    """A call to Stripe that brought no object.

    Attributes:
        message: One line for people; holds no key, no header, no e-mail address.
        code: Stripe's error code (`charge_already_refunded`), or None where Stripe gives none.
        param: The parameter Stripe complains of, or None.
        http_status: None where no answer arrived.
        request_id: Stripe's `req_`, or None.
        replayed: The answer was stored under the idempotency key by an earlier request (`Idempotent-Replayed`).
    """

    message: str
    code: str | None = None
    param: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    replayed: bool = False

    def __str__(self) -> str:
        return self.message


class Rejected(StripeError):
    """A definite no to this request: record it, go on."""


class KeyParametersDiffer(Rejected):
    """The key was used with other parameters (400 `idempotency_error`): somebody else used it; look again."""


class Unauthorized(Rejected):
    """401 or 403: the key is wrong, or lacks the permission for this call."""


class NotFound(Rejected):
    """404 `resource_missing`: no such object, or it was deleted."""


class Retryable(StripeError):
    """Nothing happened (429, 409 in flight, connection refused): send the same key later."""


class OutcomeUnknown(StripeError):
    """It may have happened: look before anything else. Timeouts, resets, every 5xx, malformed answers."""


class UnreadableAnswer(OutcomeUnknown):
    """An answer that lacks a key the program needs, or has it with another type: an error of that case only."""


class LedgerError(Exception):
    """The ledger cannot be used; the message is one line that says what is wrong and what to do."""


class LedgerOfAnotherAccount(LedgerError):
    """The ledger is bound to another Stripe account or mode."""


class ClaimLost(Exception):
    """Another worker has claimed the case since: write nothing, send nothing (rule CLAIM_YOUNGER_THAN_LEASE)."""


class NotSent(Exception):
    """What was asked directly before a send said no: nothing was sent."""


class Halted(NotSent):
    """A halt stands: no money step begins until a person says go on."""


class TooLate(NotSent):
    """20 hours have passed since the reserve's first intent (rule SEND_WITHIN_20_HOURS)."""


class CaseIsLive(Exception):
    """The customer already has a live case in this currency (rule ONE_LIVE_CASE)."""


@dataclass(slots=True, eq=False)
class HistoryInconsistent(Exception):
    """The customer balance transactions do not add up; the customer is held."""

    message: str = field(default="the balance transactions do not add up")

    def __str__(self) -> str:
        return self.message
