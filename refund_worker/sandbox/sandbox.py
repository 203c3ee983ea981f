"""The sandbox: one account of a local Stripe, reached by `dispatch` in process or by HTTP through the server."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from refund_worker.sandbox import forms, params
from refund_worker.sandbox.answers import Answer, SandboxError
from refund_worker.sandbox.books import Books, read_books
from refund_worker.sandbox.builders import Builders
from refund_worker.sandbox.controls import Control
from refund_worker.sandbox.errors import ApiError
from refund_worker.sandbox.exchange import Exchange
from refund_worker.sandbox.expand import Renderer, Tree, compiled
from refund_worker.sandbox.faults import AnswerLost, Faults
from refund_worker.sandbox.idempotency import Keys
from refund_worker.sandbox.keys import ApiKey, known_keys
from refund_worker.sandbox.limits import Limiter, RateLimits
from refund_worker.sandbox.listing import Page
from refund_worker.sandbox.request_log import RequestLog
from refund_worker.sandbox.resources import ROUTES
from refund_worker.sandbox.routes import Call, Router
from refund_worker.sandbox.store import Record
from refund_worker.sandbox.turns import turn
from refund_worker.sandbox.webhooks.courier import Courier
from refund_worker.sandbox.webhooks.listening import KIND as WEBHOOK_ENDPOINT
from refund_worker.sandbox.world import Settings, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from refund_worker.sandbox.webhooks.delivering import Attempted

DEFAULT_NOW: Final = 1_795_312_800  # 2026-11-22 02:00 UTC
DEFAULT_ACCOUNT: Final = "acct_1SandboxKXBGcbg"
_ROUTER: Final = Router(ROUTES)


class SandboxClock:
    """The sandbox's time, as tests move it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def now(self) -> int:
        """Epoch seconds."""
        return self._sandbox.world.now

    def advance(self, seconds: int) -> int:
        """Move time forward: what is due happens, keys of 24 hours are pruned. Returns the new time."""
        with self._sandbox.lock:
            now = self._sandbox.world.clock.advance(seconds)
            self._sandbox.idempotency.prune(now=now)
            return now

    def tick(self) -> None:
        """Let time go on by itself from here, a second a second."""
        with self._sandbox.lock:
            self._sandbox.world.clock.tick()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that a sandbox remembered at one moment; restore it as often as you like."""

    world: World
    idempotency: Keys
    faults: Faults
    keys: dict[str, ApiKey]


class Sandbox:
    """A stateful local Stripe. All of it is safe to use from several threads."""

    def __init__(
        self,
        *,
        seed: int = 1,
        now: int = DEFAULT_NOW,
        clock: Literal["simulated", "real"] = "simulated",
        latency_ms: int = 0,
        rate_limits: RateLimits | None = None,
        livemode: bool = False,
        account: str = DEFAULT_ACCOUNT,
        keys: Mapping[str, Mapping[str, Any] | None] | None = None,
        renewals: bool = True,
        log_longest: int | None = 10_000,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make an empty account.

        Args:
            now: Where the simulated clock starts, epoch seconds.
            clock: `real` lets time tick by itself; `advance` then moves it ahead of real time.
            latency_ms: Slept outside the lock, half before execution and half after it.
            keys: Keys accepted; None for a secret key, else `{"permissions": [...]}` for a restricted one.
            renewals: Whether subscriptions renew when the clock passes their period's end.
            log_longest: How many requests the log keeps, None for all.
        """
        settings = Settings(account=account, livemode=livemode, seed=seed, renewals=renewals)
        self.courier = Courier(
            endpoint=lambda found: self.world.store.get(WEBHOOK_ENDPOINT, found),
            now=lambda: self.world.now, accepted=self._accepted,
        )  # fmt: skip
        self._live(World(settings, now="real" if clock == "real" else now, turn=turn), Keys(), Faults())
        self.keys = known_keys(keys)
        self.limiter = Limiter(rate_limits) if rate_limits is not None else None
        self.latency_ms = latency_ms
        self.log = RequestLog(longest=log_longest)
        self._sleep = sleep

    def _live(self, world: World, idempotency: Keys, faults: Faults) -> None:
        self.lock = threading.RLock()
        self.router = _ROUTER
        self.world = world
        self.idempotency = idempotency
        self.faults = faults
        self.clock = SandboxClock(self)
        self.control = Control(world, self.lock)
        self.build = Builders(world, self.lock)
        self._renderer = Renderer(world.store)
        world.bring = self.courier.bring if self.courier.is_open else None

    def open_courier(self) -> None:
        """Deliver events to webhook endpoints from now on; whoever serves the sandbox does it."""
        with self.lock:
            self.courier.open()
            self.world.bring = self.courier.bring

    def close_courier(self) -> None:
        """Deliver no more events; returns when nothing is under way."""
        with self.lock:
            self.world.bring = None
        self.courier.close()

    def deliver(self, event: str | None = None, *, endpoint: str | None = None, how: str = "plain") -> Attempted:
        """Send an event to an endpoint now, plain or spoilt, and wait for the answer; nothing tries it again.

        Args:
            event: Its id; the newest without.
            endpoint: Its id; the oldest that is enabled without.
            how: `plain`, or forged, unsigned, old, future, oversized, truncated, cut, not_utf8.

        Raises:
            ValueError: If there is no such event, endpoint or kind.
        """
        with self.lock:
            store = self.world.store
            named = event or next(reversed(store.ids("event")), "")
            where = endpoint or next((e.id for e in store.all(WEBHOOK_ENDPOINT) if e.fields["status"] == "enabled"), "")
            found, to = store.get("event", named), store.get(WEBHOOK_ENDPOINT, where)
        if found is None or to is None or to.fields.get("deleted"):
            raise ValueError(f"no event {named!r} or no endpoint {where!r}")
        return self.courier.send(found, to, how=how)

    def _accepted(self, event: str) -> None:
        """An endpoint has taken an event: one less waits for it."""
        with self.lock:
            record = self.world.store.get("event", event)
            if record is not None:
                left = max(0, record.fields["pending_webhooks"] - 1)
                self.world.store.change(record, pending_webhooks=left)

    def limit(self, limits: RateLimits | None) -> None:
        """Other rate limits from now on, None for none at all."""
        with self.lock:
            if limits is None or self.limiter is None:
                self.limiter = Limiter(limits) if limits is not None else None
            else:
                self.limiter.change(limits)

    @property
    def request_log(self) -> list[Any]:
        """The latest requests, oldest first."""
        with self.lock:
            return list(self.log.entries)

    def dispatch(self, *, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Answer one request, without a socket.

        Args:
            target: Path and query, as in the request line.

        Raises:
            AnswerLost: If a fault dropped the connection.
        """
        path, _, query = target.partition("?")
        lowered = {name.lower(): value for name, value in headers.items()}
        flat = forms.pairs(query)
        if body:
            flat += forms.pairs(body.decode("utf-8", "replace"))
        with self.lock:
            self.world.clock.catch_up()
            exchange = Exchange(self, method, path, flat, lowered, self.world.ids.request())
            try:
                answer = exchange.admit()
            except AnswerLost:
                self.log.add(exchange.logged(0))
                raise
        self._wait(exchange)
        with self.lock:
            if answer is None:
                answer = exchange.execute()
            lost = exchange.fault is not None and exchange.fault.kind == "answer_lost"
            self.log.add(exchange.logged(0 if lost else answer.status))
        if self.latency_ms:
            self._sleep(self.latency_ms / 2000)
        return exchange.deliver(answer)

    def _wait(self, exchange: Exchange) -> None:
        seconds = self.latency_ms / 2000
        if exchange.fault is not None and exchange.fault.kind == "delay":
            seconds += exchange.fault.seconds
        if seconds:
            self._sleep(seconds)

    def render(self, result: Record | Page | dict[str, object], expand: Tree) -> str:
        """The JSON of what an endpoint returned."""
        if isinstance(result, Record):
            return self._renderer.one(result, expand)
        if isinstance(result, Page):
            return self._renderer.page(result.records, has_more=result.has_more, url=result.url, tree=expand)
        return json.dumps(result, separators=(",", ":"))

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Read in process: no key, no limits, no faults, no log. Raises SandboxError when refused."""
        return self._ask("GET", path, parameters)

    def post(self, path: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Write in process: no key, no limits, no faults, no log. Raises SandboxError when refused."""
        return self._ask("POST", path, parameters)

    def delete(self, path: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Delete in process: no key, no limits, no faults, no log. Raises SandboxError when refused."""
        return self._ask("DELETE", path, parameters)

    def _ask(self, method: str, path: str, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
        with self.lock:
            self.world.clock.catch_up()
            try:
                route, ids = self.router.find(method, path)
                raw = forms.tree(forms.pairs(forms.encode(parameters or {})))
                values = params.parse(raw, route.takes, required=route.required)
                expand = compiled(route.answers, tuple(values.pop("expand", ())))
                found = self.render(route.act(Call(self.world, ids, values)), expand)
            except ApiError as refused:
                raise SandboxError(refused) from refused
            answered: dict[str, Any] = json.loads(found)
            return answered

    def books(self) -> list[Books]:
        """What an outside judge reads: each customer's money, per currency."""
        with self.lock:
            return read_books(self.world.store)

    def snapshot(self) -> Snapshot:
        """Remember everything; cheap, because records never change."""
        with self.lock:
            return Snapshot(
                world=self.world.copy(),
                idempotency=self.idempotency.copy(),
                faults=self.faults.copy(),
                keys=dict(self.keys),
            )

    @classmethod
    def restore(cls, snapshot: Snapshot) -> Sandbox:
        """A new sandbox as it was, without latency and rate limits, with an empty request log."""
        sandbox = cls()
        sandbox.adopt(snapshot)
        return sandbox

    def adopt(self, snapshot: Snapshot) -> None:
        """Become as a snapshot was; latency, limits and log stay this sandbox's own."""
        self._live(snapshot.world.copy(), snapshot.idempotency.copy(), snapshot.faults.copy())
        self.keys = dict(snapshot.keys)
