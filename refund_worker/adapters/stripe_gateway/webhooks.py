"""Events that Stripe sends: whether they are Stripe's, and what is kept of them.

The vendor's check of a signature accepts timestamps of any future and fails with all kinds of exceptions on odd
headers; what it lacks is done here. Whatever is wrong with a request is one kind of error.

Source: docs.stripe.com/webhooks/signature.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import stripe

from refund_worker.adapters.stripe_gateway.events import event_of
from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.domain.errors import UnreadableAnswer
from refund_worker.domain.events import EVENT_TYPES, Event

# Stripe's own tolerance; here it counts both ways, so that a header made for later is worth nothing now.
SKEW_MAX_S: Final = 300
# Stripe sends one signature a secret, two while a secret is rotated, and one of scheme v0 in test mode.
HEADER_MAX: Final = 2_048
SIGNATURES_MAX: Final = 16
# Longer than any id or type of Stripe's (docs.stripe.com/upgrades: 255), and than the database need index.
_TEXT_MAX: Final = 255

_TIMESTAMP: Final = re.compile(r"[1-9][0-9]{0,11}")
_ID: Final = re.compile(r"evt_[A-Za-z0-9_]{1,200}")
_TYPE: Final = re.compile(r"[a-z0-9_.]{1,100}")
_CREATED_MAX: Final = 10**11  # a number of seconds; milliseconds are a mistake


class WebhookRefused(Exception):
    """A request that is not a sound event of Stripe's. The message says what is wrong and repeats nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a sound request brought.

    Attributes:
        id: evt_...
        livemode: Whether it tells of live money.
        account: Whose event it is, where that is another account than the endpoint's (Connect); None for ours.
        event: What is kept; None where nothing of it matters here.
    """

    id: str
    type: str
    livemode: bool
    account: str | None
    event: Event | None


def check_signature(payload: str, headers: Sequence[str], *, secrets: Sequence[str], now: int) -> None:
    """Check that one who knows one of the secrets signed the payload just now.

    Args:
        headers: Every `Stripe-Signature` of the request.
        secrets: Each is tried, so that the time taken does not tell which one it was.
        now: Epoch seconds.

    Raises:
        WebhookRefused: If nobody did.
    """
    header = _one_header(headers)
    pairs = [part.partition("=")[::2] for part in header.split(",")]
    times = [word for key, word in pairs if key == "t"]
    if len(times) != 1 or _TIMESTAMP.fullmatch(times[0]) is None:
        raise WebhookRefused("the signature has no timestamp")
    if sum(key == "v1" for key, _ in pairs) > SIGNATURES_MAX:
        raise WebhookRefused("the signature header has too many signatures")
    tried = [_signed(payload, header, secret=secret) for secret in secrets]
    if not any(tried):
        raise WebhookRefused("the signature is not of one of the secrets")
    if abs(now - int(times[0])) > SKEW_MAX_S:
        raise WebhookRefused(f"the signature is of another time: {int(times[0]) - now:+d} s")


def read_delivery(payload: str) -> Delivery:
    """Read a payload whose signature is right. Raises WebhookRefused where it is no event."""
    fields = Fields(_json_object(payload), name="the event")
    try:
        if fields.text("object") != "event":
            raise WebhookRefused("the payload is no event")
        name, kind, created = fields.text("id"), fields.text("type"), fields.number("created")
        if _ID.fullmatch(name) is None or _TYPE.fullmatch(kind) is None or not 0 < created < _CREATED_MAX:
            raise WebhookRefused("the id, the type or the time of the event is none")
        account = fields.text_or_none("account")
        event = event_of(fields) if account is None and kind in EVENT_TYPES else None
        livemode = fields.flag("livemode")
    except UnreadableAnswer as error:
        raise WebhookRefused(error.message) from None
    if event is not None and not all(_storable(text) for text in (event.customer, event.charge, event.refund)):
        raise WebhookRefused("the event names an object by what is no id")
    return Delivery(id=name, type=kind, livemode=livemode, account=account, event=event)


def decoded(body: bytes) -> str:
    """The body as text. Raises WebhookRefused where it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise WebhookRefused("the body is not UTF-8") from None


def _one_header(headers: Sequence[str]) -> str:
    if len(headers) != 1 or not headers[0]:
        raise WebhookRefused("there is no signature" if not any(headers) else "there are several signature headers")
    if len(headers[0]) > HEADER_MAX or not headers[0].isascii():
        raise WebhookRefused("the signature header is too long or not ASCII")
    return headers[0]


def _signed(payload: str, header: str, *, secret: str) -> bool:
    try:
        # Without its tolerance: the vendor reads the clock by itself, and looks one way only.
        stripe.WebhookSignature.verify_header(payload, header, secret)
    except stripe.SignatureVerificationError:
        return False
    return True


def _json_object(payload: str) -> Mapping[str, object]:
    try:
        found = json.loads(payload, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # not JSON, a number too long to be one, brackets without end
        raise WebhookRefused("the payload is not JSON") from None
    if not isinstance(found, dict):
        raise WebhookRefused("the payload is no JSON object")
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _storable(text: str | None) -> bool:
    """Any printable word: ids of customers may be the merchant's own."""
    return text is None or (0 < len(text) <= _TEXT_MAX and text.isprintable())
