"""Sends one call, or reads all pages of a list: behind the limiter, retried where that is safe, errors mapped."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

import stripe

from refund_worker.adapters.stripe_gateway.errors import error_of, foreign
from refund_worker.adapters.stripe_gateway.fields import Fields, answer_of_kind
from refund_worker.adapters.stripe_gateway.transport import Door
from refund_worker.domain.errors import NotFound, OutcomeUnknown, Rejected, Retryable, StripeError, UnreadableAnswer
from refund_worker.ports import Clock, RateLimiter

PAGE_SIZE = 100  # the most Stripe gives: docs.stripe.com/api/pagination
# Between two pages of a sweep a row or two may be deleted, hardly three at the very end of a page.
CURSORS_TRIED = 3
TRIES = 4
# A half, one, two seconds and their jitter: a failing read is told to its case after some 4 seconds.
BACKOFF_S = 0.5
# Stripe's own ids have no dash, but merchants could once choose a customer's.
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}")
_jitter = random.SystemRandom()

T = TypeVar("T")
# Told of each call that was sent: method and path template, the answer's status (None = none came), which limit a 429
# spoke of.
OnCall: TypeAlias = Callable[[str, int | None, str | None], None]
_Params: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Generic[T]):
    """The answer to a write: what was read of it, Stripe's request id, and whether an earlier request had stored it."""

    fact: T
    request_id: str | None
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A page of a list; `more` says that another one follows."""

    rows: list[Fields]
    more: bool

    @property
    def last(self) -> str:
        """The cursor of the next page."""
        return self.rows[-1].text("id") if self.rows else ""


class Calls:
    """Calls to one account with one key. Paths are templates: `/v1/customers/{}`; an id fills each pair of braces."""

    def __init__(
        self,
        *,
        client: stripe.StripeClient,
        door: Door,
        base: str,
        livemode: bool,
        limiter: RateLimiter,
        clock: Clock,
        on_call: OnCall,
    ) -> None:
        self._on_call = on_call
        self._client = client
        self._door = door
        self._base = base
        self._livemode = livemode
        self._limiter = limiter
        self._clock = clock

    def get(self, path: str, *ids: str, kind: str, asked: str | None = None, **params: object) -> Fields:
        """Read one object.

        Args:
            path: The path's template.
            ids: What fills it.
            kind: What the answer's `object` must say.
            asked: What the answer's `id` must say; None where it is not known.
            params: Stripe's parameters.

        Raises:
            StripeError: Of one of the families; after up to four tries where another try may bring the answer.
        """
        answer = answer_of_kind(self._read(path, ids, params), kind=kind, call=f"GET {path}", asked=asked)
        return self._checked(answer)

    def rows(self, path: str, *ids: str, kind: str, **params: object) -> Iterator[Fields]:
        """Read a list to its end, in Stripe's order; a page is read when its first row is asked for.

        Raises:
            UnreadableAnswer: Also if a page says that more follows but is empty or ends where an earlier one did.
        """
        cursors: set[str] = set()
        page = self._page(path, ids, kind=kind, params=params)
        while True:
            if page.more and (not page.rows or page.last in cursors):
                raise UnreadableAnswer(message=f"GET {path}: `has_more` is true, but the pages do not go on")
            yield from page.rows
            if not page.more:
                return
            cursors.add(page.last)
            page = self._page_after(page, path, ids, kind=kind, params=params)

    def _page_after(self, page: "_Page", path: str, ids: tuple[str, ...], *, kind: str, params: _Params) -> "_Page":
        """The page behind this one. An object that was deleted meanwhile is no cursor: then the one before it is."""
        cursors = [row.text("id") for row in page.rows][-CURSORS_TRIED:]
        while True:
            try:
                return self._page(path, ids, kind=kind, params={**params, "starting_after": cursors.pop()})
            except Rejected as error:
                if error.param != "starting_after" or not cursors:
                    raise

    def _page(self, path: str, ids: tuple[str, ...], *, kind: str, params: _Params) -> "_Page":
        call = f"GET {path}"
        answer = answer_of_kind(self._read(path, ids, {"limit": PAGE_SIZE, **params}), kind="list", call=call)
        answer.name = call
        rows = [self._checked(row) for row in answer.rows("data", kind=kind)]
        return _Page(rows=rows, more=answer.flag("has_more"))

    def write(
        self,
        method: str,
        path: str,
        *ids: str,
        kind: str,
        send: Callable[[stripe.StripeClient], stripe.StripeObject],
        read: Callable[[Fields], T],
        check: Callable[[], None],
    ) -> Written[T]:
        """Send one write, once.

        Args:
            method: POST or DELETE, for the limiter and for errors.
            path: The path's template, likewise.
            ids: The ids in it, checked before anything is sent.
            kind: What the answer's `object` must say.
            send: The vendor's typed call; a POST with an idempotency key.
            read: Reads the answer; raises UnreadableAnswer where it is not about this write.
            check: Called when nothing is left to wait for, right before the request goes out.

        Raises:
            StripeError: Of one of the families; anything odd about the answer is an OutcomeUnknown.
            Exception: Whatever `check` raises, unchanged; nothing was sent.
        """
        call = f"{method} {path}"
        _filled(path, ids)
        answer = self._try(call, lambda: _last_answer(send(self._client)), check=check)
        if isinstance(answer, StripeError):
            raise answer
        head = self._door.head
        try:
            fact = read(self._checked(answer_of_kind(self._stripes(answer, call=call), kind=kind, call=call)))
        except UnreadableAnswer as error:
            error.request_id, error.http_status, error.replayed = head.request_id, head.status, head.replayed
            raise
        return Written(fact=fact, request_id=head.request_id, replayed=head.replayed)

    def refused(self, method: Literal["post", "delete"], url: str, params: _Params) -> StripeError | None:
        """Send a write that cannot succeed, for what Stripe says of it; None where it did."""
        answer = self._try(f"{method.upper()} {url}", lambda: self._client.raw_request(method, url, **params).data)
        return answer if isinstance(answer, StripeError) else None

    @property
    def last_date(self) -> str | None:
        """The `Date` header of this thread's last answer."""
        return self._door.head.headers.get("Date")

    def _read(self, path: str, ids: tuple[str, ...], params: _Params) -> dict[str, object]:
        """Read what is at a path; a GET changes nothing, so it may be sent again."""
        call, url = f"GET {path}", _filled(path, ids)
        attempt = 1
        while True:
            answer = self._try(call, lambda: self._client.raw_request("get", url, **params).data)
            if not isinstance(answer, StripeError):
                return self._stripes(answer, call=call)
            if attempt == TRIES or not _another_try_may_help(answer):
                raise answer
            self._clock.sleep(BACKOFF_S * 2 ** (attempt - 1) * _jitter.uniform(0.5, 1.0))
            attempt += 1

    def _try(self, call: str, send: Callable[[], T], *, check: Callable[[], None] | None = None) -> T | StripeError:
        """Send once; an error is returned, not raised, so that no exception chain leads to the vendor's."""
        self._limiter.wait(call)
        if check is not None:
            # Outside of the `try`: what it raises is no error of the call's, and nothing was sent.
            check()
        self._door.forget()
        try:
            answer = send()
        except Exception as raised:  # noqa: BLE001 - it may have been sent: whatever it is, it is a family of ours
            error = error_of(raised, call=call, base=self._base, head=self._door.head)
        else:
            self._on_call(call, self._door.head.status, None)
            return answer
        self._on_call(call, self._door.head.status, self._door.head.throttle_reason)
        if error.http_status == 429:
            self._limiter.throttled(call, reason=self._door.head.throttle_reason)
        return error

    def _stripes(self, answer: object, *, call: str) -> dict[str, object]:
        """Stripe answers with an object that says what it is; anything else is another API's."""
        if isinstance(answer, dict) and isinstance(answer.get("object"), str):
            return answer
        brought = "JSON that is not one of Stripe's objects"
        raise UnreadableAnswer(message=foreign(base=self._base, call=call, brought=brought))

    def _checked(self, answer: Fields) -> Fields:
        """A test object seen with a live key, or the other way round, is not what this key can see."""
        if answer.flag_or_false("livemode") != self._livemode and answer.present("livemode"):
            raise answer.unreadable("livemode", expected="the mode of the key")
        return answer


def _filled(path: str, ids: tuple[str, ...]) -> str:
    """Fill a path's template; an id that could lead to another path is nobody's."""
    for found in ids:
        if not _ID.fullmatch(found):
            raise NotFound(message="no such object: the id may hold only letters, digits and underscores")
    return path.format(*ids)


def _another_try_may_help(error: StripeError) -> bool:
    return isinstance(error, Retryable | OutcomeUnknown) and not isinstance(error, UnreadableAnswer)


def _last_answer(found: stripe.StripeObject) -> object:
    answer = found.last_response
    return answer.data if answer is not None else None
