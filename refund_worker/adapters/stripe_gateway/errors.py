"""What a failed call means: the one place where the vendor's exceptions and HTTP's answers become families of errors.

A definite no needs Stripe's own error envelope: a page of a proxy, a cut body or a foreign API never is one. Whatever
is not recognised here may have happened.

Source: docs.stripe.com/error-codes, docs.stripe.com/api/errors; what the vendor's client makes of them was tried out.
"""

import re
import ssl
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import stripe
from requests.exceptions import ConnectTimeout
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.adapters.stripe_gateway.redaction import one_line
from refund_worker.adapters.stripe_gateway.transport import Head
from refund_worker.domain.errors import (
    KeyParametersDiffer,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Retryable,
    StripeError,
    Unauthorized,
    UnreadableAnswer,
)

# The request was not executed: docs.stripe.com/rate-limits, docs.stripe.com/api/idempotent_requests.
_NOT_EXECUTED = frozenset({"rate_limit", "lock_timeout", "idempotency_key_in_use"})
# An `api_error` is Stripe's own trouble: no answer about the request, even with a status of 400.
_ABOUT_THE_REQUEST = frozenset({"invalid_request_error", "card_error"})
_PERMISSION = re.compile(r"'(rak_[a-z0-9_]+)'")
_ACCOUNT = re.compile(r"acct_[A-Za-z0-9]+")
# Frames in which a connection is being made: TLS and a proxy's tunnel come before the first byte of a request.
_BEFORE_SENDING = frozenset({"do_handshake", "_tunnel"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What is known of a call that brought no object. `call`: method and path template; `base`: where it went."""

    call: str
    base: str
    head: Head
    envelope: Fields | None

    @property
    def code(self) -> str | None:
        """Stripe's error code."""
        return self._word("code")

    @property
    def error_type(self) -> str | None:
        """Stripe's type of error."""
        return self._word("type")

    @property
    def text(self) -> str:
        """Stripe's sentence, made safe for logs."""
        return one_line(self._word("message") or "no message")

    def build(self, family: type[StripeError], message: str) -> StripeError:
        """An error of the family with all that is known of the call."""
        param = self._word("param")
        return family(
            message=message,
            code=self.code,
            param=one_line(param) if param else None,
            http_status=self.head.status,
            request_id=self.head.request_id,
            replayed=self.head.replayed,
        )

    def _word(self, key: str) -> str | None:
        found = self.envelope.raw(key) if self.envelope is not None else None
        return found if isinstance(found, str) and found else None


def error_of(error: Exception, *, call: str, base: str, head: Head) -> StripeError:
    """Map what a call raised to the family of errors it belongs to.

    Args:
        error: Whatever the vendor's client raised.
        call: Method and path template: `GET /v1/charges`.
        base: The address of the API.
        head: Status and headers of the answer.

    Returns:
        An error to raise outside of the `except` block, so that it does not carry the vendor's, which holds bodies.
    """
    if isinstance(error, stripe.APIConnectionError):
        return _of_connection(error, call=call, base=base)
    body: object = error.json_body if isinstance(error, stripe.StripeError) else None
    refusal = Refusal(call=call, base=base, head=head, envelope=_envelope(body))
    if refusal.envelope is None:
        return _of_foreign(refusal, error)
    return _of_envelope(refusal)


def foreign(*, base: str, call: str, brought: str) -> str:
    """The sentence for an address where something else than Stripe answers."""
    return f"{base} does not answer like Stripe's API: {call} brought {brought}"


def _of_envelope(refusal: Refusal) -> StripeError:
    """Stripe itself said why."""
    status, code = refusal.head.status or 0, refusal.code
    said = f"Stripe answered {refusal.call} with HTTP {status}: {refusal.text}"
    if status == 401:
        return refusal.build(Unauthorized, f"Stripe does not accept the key: {refusal.text}")
    if status == 403:
        return refusal.build(Unauthorized, _missing_permission(refusal))
    if status == 429 or (400 <= status < 500 and code in _NOT_EXECUTED):
        return refusal.build(Retryable, said)
    if status == 400 and refusal.error_type == "idempotency_error":
        return refusal.build(KeyParametersDiffer, said)
    if status == 404 and code == "resource_missing":
        return refusal.build(NotFound, said)
    if status in {400, 402, 404} and refusal.error_type in _ABOUT_THE_REQUEST:
        return refusal.build(Rejected, said)
    return refusal.build(OutcomeUnknown, said)


def _of_foreign(refusal: Refusal, error: Exception) -> StripeError:
    """An answer came that is not in Stripe's form; of which only 429 with Stripe's header is understood."""
    status = refusal.head.status
    if status == 429 and refusal.head.throttle_reason is not None:
        return refusal.build(Retryable, f"Stripe throttled {refusal.call}")
    if status is None:
        return refusal.build(OutcomeUnknown, f"no answer to {refusal.call}: {type(error).__name__}")
    if status >= 500:
        return refusal.build(OutcomeUnknown, f"{refusal.base} answered {refusal.call} with HTTP {status}")
    page = isinstance(error, stripe.StripeError) and (error.http_body or "").lstrip().startswith("<")
    if 200 <= status < 300 and not page:
        return refusal.build(OutcomeUnknown, f"the answer to {refusal.call} is malformed: cut short, or not JSON")
    what = "a web page" if page else "no error of Stripe's"
    return refusal.build(
        UnreadableAnswer, foreign(base=refusal.base, call=refusal.call, brought=f"HTTP {status} and {what}")
    )


def _of_connection(error: stripe.APIConnectionError, *, call: str, base: str) -> StripeError:
    """No whole answer came: nothing was sent if the connection was never made, else it may have happened."""
    causes = tuple(_causes(error))
    if any(isinstance(cause, NameResolutionError) for cause in causes):
        return Retryable(message=f"cannot reach {base}: its name is unknown")
    if any(isinstance(cause, NewConnectionError) for cause in causes):
        return Retryable(message=f"cannot reach {base}: nothing accepts the connection")
    if any(isinstance(cause, ConnectTimeoutError | ConnectTimeout) for cause in causes):
        return Retryable(message=f"cannot reach {base}: no connection in time")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Retryable(message=f"cannot reach {base}: its TLS certificate is not valid")
    if any(_was_connecting(cause) for cause in causes):
        return Retryable(message=f"cannot reach {base}: no TLS connection or proxy tunnel was made")
    return OutcomeUnknown(message=f"no whole answer to {call} from {base}: the connection broke or timed out")


def _missing_permission(refusal: Refusal) -> str:
    permission = _PERMISSION.search(refusal.text)
    if permission is None:
        return f"Stripe refuses {refusal.call} to this key: {refusal.text}"
    account = _ACCOUNT.search(refusal.text)
    where = f" on account {account[0]}" if account else ""
    return f"the key lacks the permission {permission[1]}, which {refusal.call} needs{where}"


def _envelope(body: Any) -> Fields | None:
    """The `error` object of Stripe's, which has a type; None for anything else."""
    found = body.get("error") if isinstance(body, dict) else None
    if isinstance(found, dict) and isinstance(found.get("type"), str):
        return Fields(found, name="error")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions that led to this one; urllib3 keeps some in `reason`, requests in its arguments."""
    todo: list[BaseException] = [error]
    seen: set[int] = set()
    while todo:
        cause = todo.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        found = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        todo.extend(candidate for candidate in found if isinstance(candidate, BaseException))


def _was_connecting(cause: BaseException) -> bool:
    return any(frame.f_code.co_name in _BEFORE_SENDING for frame, _ in traceback.walk_tb(cause.__traceback__))
