"""How long from a cancellation's event to its refund: webhooks through web, the settling delay, a worker."""

import time
from dataclasses import dataclass
from typing import Final

from refund_worker.domain.events import EVENT_TYPES
from refund_worker.sandbox.request_log import Logged, RequestLog
from tests.bench.cluster import FULL
from tests.bench.crew import crew, wait_for_web
from tests.bench.night import ENDPOINT_PER_SECOND, GLOBAL_PER_SECOND, LATENCY_MS
from tests.bench.surroundings import lived, surrounded, wrong_books

P99_MAX_S: Final = 3.0
SETTLING_S: Final = 60  # the default
_PATIENCE_S: Final = 60
_WORKERS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EventToRefund:
    """What became of the cancellations.

    Attributes:
        seconds: From each event's `created`, a whole second, to the refund, less the settling delay; sorted. The
            moment of the refund is known exactly: what is said is up to a second more than it was.
        calls: By endpoint.
        wrong: What Stripe's own books show that should not be.
    """

    cancelled: int
    seconds: tuple[float, ...]
    calls: dict[str, int]
    throttled: int
    wrong: tuple[str, ...]

    def percentile(self, part: float) -> float:
        """Seconds."""
        return self.seconds[min(len(self.seconds) - 1, int(len(self.seconds) * part))]


class _TimedLog(RequestLog):
    """Also notes when each refund was made; refunds are made one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.refunded_at: list[float] = []

    def add(self, entry: Logged) -> None:
        """Note one request."""
        super().add(entry)
        if (entry.method, entry.path, entry.status) == ("POST", "/v1/refunds", 200):
            self.refunded_at.append(time.time())


def event_to_refund(*, rate: float, seconds: int) -> EventToRefund:
    """Cancel so many subscriptions a second for so long; web, two workers and the beat run as users start them."""
    count = int(rate * seconds)
    sandbox = lived("cluster", count, latency_ms=LATENCY_MS, limits=FULL)
    log = sandbox.log = _TimedLog()
    with surrounded(sandbox) as around, crew() as people:
        endpoint = sandbox.post(
            "/v1/webhook_endpoints",
            {"url": f"http://127.0.0.1:{around.web_port}/webhooks/stripe", "enabled_events": list(EVENT_TYPES)},
        )
        environment = around.environment(
            global_per_second=GLOBAL_PER_SECOND, endpoint_per_second=ENDPOINT_PER_SECOND, NIGHT_CRONTAB="0 0 29 2 *",
            STRIPE_WEBHOOK_SECRET=endpoint["secret"], SETTLING_SECONDS=str(SETTLING_S),
        )  # fmt: skip
        for role in ("web", "beat", *["worker"] * _WORKERS):
            people.start(role, environment)
        wait_for_web(around.web_port)
        # Until each worker has asked for the first events: that is not what is measured.
        people.wait(lambda: log.per_endpoint["GET /v1/account"] >= _WORKERS, timeout_s=_PATIENCE_S)
        plans = [(one.id, one.fields["customer"]) for one in sandbox.world.store.all("subscription")]
        happened: dict[str, int] = {}
        begun = time.monotonic()
        for number, (subscription, customer) in enumerate(plans):
            _wait_until(begun + number / rate)
            gone = sandbox.delete(f"/v1/subscriptions/{subscription}", {"prorate": True, "invoice_now": True})
            happened[customer] = gone["canceled_at"]
        people.wait(lambda: people.refunded + len(people.others) >= count, timeout_s=SETTLING_S + _PATIENCE_S)
        apart_s = int(time.time()) - sandbox.clock.now
        store = sandbox.world.store
        refunded = [store["charge", one.fields["charge"]].fields["customer"] for one in store.all("refund")]
        return EventToRefund(
            cancelled=count,
            seconds=tuple(
                sorted(
                    at - apart_s - happened[who] - SETTLING_S for who, at in zip(refunded, log.refunded_at, strict=True)
                )
            ),
            calls=dict(log.per_endpoint),
            throttled=log.per_status[429],
            wrong=(*people.others, *wrong_books(sandbox, of=count)),
        )


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
