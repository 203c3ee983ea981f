"""What the discovery of an ordinary night asks for: it follows the changes, and not the number of customers."""

import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.nights import Phase
from refund_worker.sandbox import Sandbox
from refund_worker.sandbox.scenes import cancel_subscriptions
from tests.bench.cluster import due_now
from tests.bench.crew import crew
from tests.bench.memory import UNLIMITED
from tests.bench.surroundings import Surroundings, lived, surrounded, wrong_books
from tests.bench.watched import PROGRAM

CALLS_MAX: Final = 60
# Local dates that always differ: each night has its own date, and no clock has to be moved.
_YESTERDAY, _TODAY = "Etc/GMT+12", "Pacific/Kiritimati"
_DAY_S: Final = 24 * 3600
_PATIENCE_S: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """A night that follows a day of changes.

    Attributes:
        calls: Of the night's discovery, by endpoint, also what the worker asks at its start.
        night: Of the whole night by endpoint, refunds included.
        wrong: What Stripe's own books show that should not be.
    """

    customers: int
    changes: int
    calls: dict[str, int]
    night: dict[str, int]
    wrong: tuple[str, ...]

    @property
    def discovering(self) -> int:
        """Calls of the discovery; the look at the key at the worker's start is none."""
        return sum(count for call, count in self.calls.items() if call != "GET /v1/account")


def discovery(*, customers: int, changes: int) -> Discovery:
    """Sweep once, let so many customers of many cancel over a day, and let the next night find them by events."""
    sandbox = lived("cluster", changes, ago_s=_DAY_S)
    sandbox.build.customers(customers - changes)
    with surrounded(sandbox) as around:
        _first_night(around)
        _a_day(sandbox, changes)
        _refund_worker(around, "halt", "--reason", "only the discovery is counted first")
        sandbox.log.clear()
        with crew() as people:
            people.start("worker", _environment(around, tz=_TODAY))
            people.wait(lambda: _nights(around) == [Phase.WORKING], timeout_s=_PATIENCE_S)
            calls = Counter(sandbox.log.per_endpoint)
            _refund_worker(around, "unhalt")
            people.wait(lambda: people.refunded + len(people.others) >= changes, timeout_s=_PATIENCE_S)
            people.wait(lambda: _nights(around) == [], timeout_s=_PATIENCE_S)
            others = people.others
        return Discovery(
            customers=customers,
            changes=changes,
            calls=dict(calls),
            night=dict(sandbox.log.per_endpoint),
            wrong=(*others, *wrong_books(sandbox, of=changes)),
        )


def _first_night(around: Surroundings) -> None:
    """It sweeps, as every first night does, and finds nothing to refund."""
    with crew() as people:
        people.start("worker", _environment(around, tz=_YESTERDAY))
        people.wait(lambda: around.sandbox.log.per_endpoint["GET /v1/customers"] > 0, timeout_s=_PATIENCE_S)
        people.wait(lambda: _nights(around) == [], timeout_s=_PATIENCE_S)


def _a_day(sandbox: Sandbox, changes: int) -> None:
    """The cancellations, spread over a day that ends now."""
    for _ in range(changes):
        cancel_subscriptions(sandbox, count=1)
        sandbox.clock.advance(_DAY_S // changes)
    sandbox.clock.advance(max(0, int(time.time()) - sandbox.clock.now))


def _nights(around: Surroundings) -> list[Phase]:
    """The phases of the nights that have not ended."""
    ledger = SqlLedger.open(around.postgres.url)
    try:
        return [shared.phase for shared in ledger.queue.open_runs() if shared.name.startswith("night")]
    finally:
        ledger.close()


def _environment(around: Surroundings, *, tz: str) -> dict[str, str]:
    return around.environment(
        global_per_second=UNLIMITED, endpoint_per_second=UNLIMITED, COMPANY_TZ=tz, NIGHT_CRONTAB=due_now(tz)
    )


def _refund_worker(around: Surroundings, *arguments: str) -> None:
    environment = _environment(around, tz=_TODAY)
    done = subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"refund-worker {arguments[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
