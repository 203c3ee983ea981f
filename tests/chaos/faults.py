"""What goes wrong around the workers, drawn from a seed: servers, messages, webhooks, Stripe, time."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

from deploy.local import PostgresServer, RedisServer
from refund_worker.entrypoints.celery_settings import QUEUE
from refund_worker.sandbox import DeliveryFaults, Fault, RateLimits
from tests.chaos.deployment import Deployment
from tests.chaos.doors import ChaosSandbox
from tests.chaos.messages import Sender
from tests.crash.scenes import MOVEMENTS, REFUNDS

DAY_AND_HOUR_S: Final = 25 * 3600
_SPOILT: Final = ("forged", "unsigned", "old", "future", "oversized", "truncated", "cut", "not_utf8")
_OF_STRIPE: Final = (
    "before_execution", "answer_lost", "stored_500", "http_500", "cut_body", "malformed_body", "lock_timeout",
    "rate_limited", "delay",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Faults:
    """Draws and lets happen one fault after the other, from one thread.

    Attributes:
        done: How often each happened.
        may_pass_a_day: Whether the clocks may be moved.
    """

    sandbox: ChaosSandbox
    deployments: Sequence[Deployment]
    postgres: PostgresServer
    redis: RedisServer
    dice: Random
    stop: threading.Event
    say: Callable[[str], None]
    pause_s: float
    seconds: tuple[float, float] = (0.5, 6.0)
    may_pass_a_day: bool = True
    done: Counter[str] = field(default_factory=Counter)
    # Held while all processes are down: nobody kills or feeds then.
    still: threading.RLock = field(default_factory=threading.RLock)
    _round: list[str] = field(default_factory=list)

    def work(self) -> None:
        """One fault after the other, each kind once before any comes again."""
        while not self.stop.is_set():
            name = self._next()
            begun = time.monotonic()
            getattr(self, name)()
            self.done[name] += 1
            self.say(f"  {name} ({time.monotonic() - begun:.1f} s)")
            self.stop.wait(self.pause_s * self.dice.uniform(0.5, 1.5))

    def once_each(self, names: Sequence[str]) -> None:
        """Let these happen in order."""
        for name in names:
            if not self.stop.is_set():
                getattr(self, name)()
                self.done[name] += 1
                self.stop.wait(self.pause_s)

    def end(self) -> None:
        """All faults end: whatever still waits to go wrong goes right from now on."""
        self.sandbox.faults.clear()
        self.sandbox.courier.faults = DeliveryFaults()
        self.sandbox.limit(None)

    def _next(self) -> str:
        if not self._round:
            kinds = [*KINDS, *(["a_day_passes"] if self.may_pass_a_day else [])]
            self._round = self.dice.sample(kinds, len(kinds))
        return self._round.pop()

    def _for_a_while(self, most_s: float | None = None) -> None:
        least, most = self.seconds
        self.stop.wait(self.dice.uniform(least, max(least, min(most, most_s or most))))

    # Redis

    def redis_frozen(self) -> None:
        """Nothing answers, connections stay open."""
        self.redis.freeze()
        self._for_a_while()
        self.redis.thaw()

    def redis_flushed(self) -> None:
        """All that it knew is gone."""
        with suppress(RedisError), self.deployments[0].redis as client:
            client.flushall()

    def redis_restarted(self) -> None:
        """In good order."""
        self.redis.restart()

    def redis_killed(self) -> None:
        """`kill -9`, and away for a while."""
        self.redis.kill()
        self._for_a_while()
        self.redis.start()

    # PostgreSQL

    def postgres_restarted(self) -> None:
        """Open transactions are rolled back."""
        self.postgres.restart()

    def postgres_killed(self) -> None:
        """`kill -9` of all its processes: it recovers from its log."""
        self.postgres.kill()
        self._for_a_while(3.0)
        self.postgres.start()

    def postgres_frozen(self) -> None:
        """Nothing answers, connections stay open."""
        self.postgres.freeze()
        self._for_a_while(4.0)
        self.postgres.thaw()

    # Messages

    def messages_doubled(self) -> None:
        """Every message that waits comes twice; some that are worked on too."""
        self._on_broker(lambda client: [client.rpush(QUEUE, one) for one in client.lrange(QUEUE, 0, -1)])

    def messages_lost(self) -> None:
        """Every message that waits, or is worked on, is gone."""
        self._on_broker(lambda client: client.delete(QUEUE, f"{QUEUE}.unacked", f"{QUEUE}.unacked_index"))

    def messages_delayed(self) -> None:
        """Every message that waits comes later."""
        self._on_broker(lambda client: client.exists(QUEUE) and client.rename(QUEUE, "chaos.aside"))
        self._for_a_while()
        self._on_broker(_put_back)

    def _on_broker(self, act: Callable[[Redis], object]) -> None:
        """Fill the queue with messages, and act on them before anybody reads them all."""
        for deployment in self.deployments:
            chosen = self.dice.sample(sorted(self.sandbox.reserved), min(10, len(self.sandbox.reserved)))
            with suppress(RedisError, OSError), deployment.redis as client, Sender(deployment.redis_url) as sender:
                sender.send(customers=chosen)
                act(client)

    # Webhooks

    def webhooks_spoilt(self) -> None:
        """Forged, outdated, from the future, oversized, cut: none may be accepted."""
        for deployment in self.deployments:
            for how in _SPOILT:
                with suppress(ValueError):
                    attempt = self.sandbox.deliver(how=how, endpoint=deployment.endpoint)
                    if 200 <= attempt.status < 300:
                        self.accepted_spoilt.append(f"{deployment.name}: {how} was answered {attempt.status}")

    def webhooks_faulty(self) -> None:
        """Lost, doubled, delayed, out of order, from now on until the next draw."""
        self.sandbox.courier.faults = DeliveryFaults(
            seed=self.dice.randrange(1000),
            lost=0.2,
            doubled=0.3,
            delayed=0.2,
            delay_seconds=4,
            reordered=0.4,
            spoilt=0.1,
        )

    def webhooks_all_lost(self) -> None:
        """No webhook arrives for a while."""
        self.sandbox.courier.faults = DeliveryFaults(lost=1.0)
        self._for_a_while()
        self.webhooks_faulty()

    def web_killed(self) -> None:
        """`kill -9` of each web process."""
        for deployment in self.deployments:
            deployment.slots[f"{deployment.name}-web"].kill()

    def beat_killed(self) -> None:
        """`kill -9` of each beat."""
        for deployment in self.deployments:
            deployment.slots[f"{deployment.name}-beat"].kill()

    # Stripe

    def stripe_fails(self) -> None:
        """The next money writes go wrong in one of the ways in which Stripe does."""
        for _ in range(4):
            self.sandbox.faults.add(
                Fault(
                    kind=self.dice.choice(_OF_STRIPE),
                    method="POST",
                    path=self.dice.choice([MOVEMENTS, REFUNDS]),
                    nth=self.dice.randint(1, 4),
                    executed=self.dice.random() < 0.5,
                    seconds=2.0,
                )
            )

    def stripe_slow(self) -> None:
        """Answers take long."""
        before, self.sandbox.latency_ms = self.sandbox.latency_ms, 800
        self._for_a_while()
        self.sandbox.latency_ms = before

    def stripe_limits(self) -> None:
        """The account's limit is small for a while: 429."""
        self.sandbox.limit(RateLimits(global_per_second=8, endpoint_per_second=4))
        self._for_a_while()
        self.sandbox.limit(None)

    # People and time

    def halted(self) -> None:
        """Somebody halts a deployment, and lets it go on."""
        deployment = self.dice.choice(self.deployments)
        deployment.command("halt", "--reason", "chaos")
        self._for_a_while(3.0)
        while deployment.command("unhalt") != 0 and not self.stop.wait(0.5):
            pass

    def night_asked_for(self) -> None:
        """A night's message, and all the others."""
        for deployment in self.deployments:
            with suppress(RedisError, OSError), Sender(deployment.redis_url) as sender:
                sender.wake_all()

    def a_day_passes(self) -> None:
        """Everything is killed, a day and an hour pass, Stripe forgets its keys, everything starts again."""
        with self.still:
            for deployment in self.deployments:
                deployment.pause()
            self.sandbox.clock.advance(DAY_AND_HOUR_S)
            for deployment in self.deployments:
                deployment.shift_s += DAY_AND_HOUR_S
                deployment.go_on()

    accepted_spoilt: list[str] = field(default_factory=list)


KINDS: Final = (
    "redis_frozen", "redis_flushed", "redis_restarted", "redis_killed", "postgres_restarted", "postgres_killed",
    "postgres_frozen", "messages_doubled", "messages_lost", "messages_delayed", "webhooks_spoilt", "webhooks_faulty",
    "webhooks_all_lost", "web_killed", "beat_killed", "stripe_fails", "stripe_slow", "stripe_limits", "halted",
    "night_asked_for",
)  # fmt: skip


def _put_back(client: Redis) -> None:
    while client.rpoplpush("chaos.aside", QUEUE):
        pass
