"""A world for tests: the real gateway and ledger before the sandbox, in process, on the sandbox's clock."""

import itertools
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import UTC

from refund_worker.adapters.calendar import CrontabCalendar
from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.stripe_gateway import StripeApi
from refund_worker.domain.policy import Policy
from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import RunMode
from refund_worker.ports import StripeGateway
from refund_worker.sandbox import Sandbox
from refund_worker.usecases.recover import RecoverResult, recover
from refund_worker.usecases.run_gate import RunGate
from refund_worker.usecases.run_night import RunResult, run_night
from refund_worker.usecases.world import World
from tests.adapters.in_process import InProcess

TEST_KEY = "sk_test_sandbox"


@dataclass(slots=True)
class SandboxTime:
    """The program's clock on the sandbox's: sleeping moves it, so that no test waits."""

    sandbox: Sandbox
    ahead_s: float = 0.0

    def now(self) -> int:
        """The sandbox's now."""
        return self.sandbox.clock.now

    def sleep(self, seconds: float) -> None:
        """Move the sandbox's clock by whole seconds, carrying what is left."""
        self.ahead_s += seconds
        whole, self.ahead_s = int(self.ahead_s), self.ahead_s % 1
        if whole:
            self.sandbox.clock.advance(whole)


class NoLimiter:
    """Lets every call through: limits have their own tests."""

    def wait(self, endpoint: str) -> None:
        """Nothing to wait for."""

    def throttled(self, endpoint: str, *, reason: str | None) -> None:
        """Nothing to learn."""


@dataclass(slots=True)
class Ids:
    """Ids that are the same in each run of a test; `deployment` keeps two deployments apart."""

    deployment: str = "a"
    _count: "itertools.count[int]" = field(default_factory=itertools.count)

    def __call__(self, kind: str) -> str:
        """The next id."""
        return f"{kind}_{self.deployment}{next(self._count):06d}"


class Silence:
    """Watches nothing."""

    def started(self, run: str) -> None:
        """Nothing."""

    def customers_read(self, count: int) -> None:
        """Nothing."""

    def warned(self, line: str) -> None:
        """Nothing."""

    def case_finished(self, result: CaseResult) -> None:
        """Nothing."""


def gateway(sandbox: Sandbox, *, key: str = TEST_KEY) -> StripeApi:
    """The real gateway, in process."""
    return StripeApi(
        api_key=key,
        api_base="http://127.0.0.1:1",
        limiter=NoLimiter(),
        clock=SandboxTime(sandbox),
        http_client=InProcess(sandbox),
    )


def make_world(
    sandbox: Sandbox,
    *,
    policy: Policy | None = None,
    ledger: SqlLedger | None = None,
    stripe_gateway: StripeGateway | None = None,
    ids: Ids | None = None,
    worker: str = "worker",
    gone: Container[str] = (),
) -> World:
    """A world before the sandbox, with a fresh ledger in memory unless one is given."""
    api = stripe_gateway or gateway(sandbox)
    account = api.account()
    kept = ledger or SqlLedger.open("sqlite://")
    kept.bind(account, now=sandbox.clock.now)
    clock = SandboxTime(sandbox)
    return World(
        stripe=api,
        ledger=kept,
        queue=kept.queue,
        clock=clock,
        calendar=CrontabCalendar(crontab="30 2 * * *", tz=UTC, clock=clock),
        new_id=ids or Ids(),
        worker=worker,
        is_gone=lambda name: name in gone,
        account=account,
        policy=policy or Policy(),
        halted=kept.queue.halted,
        settling_s=60,
    )


def night(world: World, *customers: str, mode: RunMode = RunMode.RUN, limit: int | None = None) -> RunResult:
    """One pass on one thread: the same order every time."""
    gate = RunGate(policy=world.policy, cases_max=limit)
    return run_night(world, gate, Silence(), mode=mode, command=str(mode), customers=customers, threads=1)


def resume(world: World) -> RunResult:
    """Finish interrupted cases only."""
    gate = RunGate(policy=world.policy)
    return run_night(world, gate, Silence(), mode=RunMode.RUN, command="resume", discover=False, threads=1)


def recovered(world: World, *, full: bool = True) -> RecoverResult:
    """Mend orphan reservations."""
    return recover(world, full=full)
