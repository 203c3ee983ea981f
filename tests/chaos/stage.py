"""Where it happens: a sandbox with its customers, real servers, and the deployments on them."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from deploy.local import PostgresServer, RedisServer
from refund_worker.sandbox import SandboxServer
from refund_worker.sandbox.keys import known_keys
from tests.chaos.deployment import KEY, Deployment, Surroundings
from tests.chaos.doors import ChaosSandbox
from tests.chaos.people import Crowd, crowd
from tests.chaos.verdict import Verdict, judged
from tests.chaos.workers import Zygote

LATENCY_MS = 60
SETTLING_S = 1
THREADS = 6
# Customers who cancelled and of whom no reserve was seen: so many are enough to keep all workers at it.
IN_HAND = 24
# Of two minutes (what must hold), less what the last look takes.
REST_S = 118
_NIGHT_IN_S = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """All that runs."""

    sandbox: ChaosSandbox
    people: Crowd
    postgres: PostgresServer
    redis: RedisServer
    deployments: Sequence[Deployment]

    def judge(self, *, stuck: Sequence[str], told: Sequence[str] = ()) -> Verdict:
        """Judge what has come to rest."""
        planted = [KEY, *(one.secret for one in self.deployments), self.postgres._password, self.redis._password]
        return judged(self.people, self.deployments, stuck=stuck, told=told, secrets=planted)


@contextmanager
def stage(
    *, workers: Sequence[int], customers: int, seed: int, directory: Path, say: Callable[[str], None]
) -> Iterator[Stage]:
    """Start everything, a deployment for each number of workers; nothing is left running, whatever happens."""
    begun = time.monotonic()
    with ExitStack() as running:
        sandbox = ChaosSandbox(latency_ms=LATENCY_MS)
        people = crowd(sandbox, customers=customers, seed=seed)
        sandbox.keys = known_keys({KEY: None})
        running.enter_context(SandboxServer(sandbox))
        zygote = running.enter_context(Zygote())
        postgres = running.enter_context(PostgresServer(durable=False))
        redis = running.enter_context(RedisServer(durable=False))
        night = datetime.now(UTC) + timedelta(seconds=_NIGHT_IN_S)
        around = Surroundings(
            zygote=zygote, sandbox=sandbox, redis_base=redis.url.rsplit("/", 1)[0], directory=directory,
            settling_s=SETTLING_S, threads=THREADS, night_crontab=f"{night.minute} {night.hour} * * *",
        )  # fmt: skip
        deployments = [
            running.enter_context(Deployment(name, around, postgres.create_database(f"ledger_{name}"), number, count))
            for number, (name, count) in enumerate(zip("abcd", workers, strict=False))
        ]
        say(f"ready after {time.monotonic() - begun:.1f} s: {people.left} customers")
        yield Stage(sandbox=sandbox, people=people, postgres=postgres, redis=redis, deployments=deployments)


@contextmanager
def feeding(people: Crowd, *, in_hand: int = IN_HAND) -> Iterator[None]:
    """Let customers cancel, so that there are always some in hand."""
    stop = threading.Event()

    def feed() -> None:
        while not stop.wait(0.1):
            if len(people.cancelled) - len(people.sandbox.reserved) < in_hand:
                people.cancel()

    thread = threading.Thread(target=feed, name="feeder", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def come_to_rest(on: Stage, say: Callable[[str], None]) -> list[str]:
    """Wait until all is as it must be, two minutes at most; returns what is not."""
    begun = time.monotonic()
    left: list[str] = []
    while time.monotonic() - begun < REST_S:
        time.sleep(1)
        left = _unfinished(on)
        if not left:
            say(f"at rest after {time.monotonic() - begun:.0f} s")
            return []
    return left


def _unfinished(on: Stage) -> list[str]:
    found = on.people.wrong()
    for one in on.deployments:
        try:
            found += [
                f"{one.name}: {customer} is {state}, claimed by {claimant}, goes on in {float(wait):.0f} s"
                for customer, wait, claimant, state in one.trail.live_cases(shift_s=one.shift_s)
            ]
            wanted = one.trail.wanted(within_s=one.shift_s)
            if wanted:
                found.append(f"{one.name}: {wanted} customers are due in the queue")
        except psycopg.Error as error:
            found.append(f"{one.name}: the ledger is away: {error}")
    return found
