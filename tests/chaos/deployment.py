"""One deployment of the service: a ledger, a number of Redis, web, beat and workers; each process is kept running."""

import os
import random
import signal
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis

from refund_worker.adapters.ledger import upgrade
from refund_worker.domain.events import EVENT_TYPES
from tests.chaos.doors import ChaosSandbox, Door
from tests.chaos.trail import Trail
from tests.chaos.workers import Child, Slot, Zygote

KEY = "sk_test_planted0chaos0key0Q7Zx"
_POLICY = """
# The limits of a run are for people who pay by mistake; here they would only end it. And no day here is a usual one.
failures_max = 1000
[limits.run]
cases = 1000000
usd = "100000000.00"
[unusual]
customers = 1000000
usd = "100000000.00"
eur = "100000000.00"
"""


_PORTS = range(15_000, 30_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the deployments of one account share.

    Attributes:
        redis_base: The address of Redis up to the number of the database.
        directory: For logs.
    """

    zygote: Zygote
    sandbox: ChaosSandbox
    redis_base: str
    directory: Path
    settling_s: int
    threads: int
    night_crontab: str = "0 0 1 1 *"


@dataclass(slots=True)
class Deployment:
    """Started and stopped as a context manager; workers, web and beat are forked and kept running.

    Attributes:
        shift_s: How far the clock of processes that start from now on is ahead, seconds.
    """

    name: str
    around: Surroundings
    database_url: str
    redis_number: int
    workers: int
    shift_s: int = 0
    secret: str = ""
    endpoint: str = ""
    slots: dict[str, Slot] = field(default_factory=dict)
    trail: Trail = field(init=False)
    _doors: dict[str, Door] = field(default_factory=dict)
    _environment: dict[str, str] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.trail = Trail(self.database_url)

    @property
    def redis_url(self) -> str:
        """Its Redis."""
        return f"{self.around.redis_base}/{self.redis_number}"

    @property
    def redis(self) -> Redis:
        """A client of its Redis."""
        return Redis.from_url(self.redis_url, socket_timeout=3, socket_connect_timeout=3)

    @property
    def workers_running(self) -> dict[str, Child]:
        """The worker processes that run now, by their slot."""
        return {
            name: child for name, slot in self.slots.items() if "worker" in name and (child := slot.running) is not None
        }

    @property
    def log(self) -> Path:
        """What all its processes wrote to standard error."""
        return self.around.directory / f"{self.name}.log"

    def __enter__(self) -> Self:
        """Migrate, register the webhook endpoint, start all processes."""
        with ExitStack() as opened:
            upgrade(self.database_url)
            port = _port_of_its_own()
            self.secret = f"whsec_planted{self.name}0chaos0secret"
            policy = self.around.directory / "policy.toml"
            policy.write_text(_POLICY)
            self.endpoint = self.around.sandbox.build.webhook_endpoint(
                f"http://127.0.0.1:{port}/webhooks/stripe", secret=self.secret, enabled_events=EVENT_TYPES
            )["id"]
            self._environment = {
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": os.environ.get("HOME", "/"),
                "LANG": "C.UTF-8",
                "DATABASE_URL": self.database_url,
                "REDIS_URL": self.redis_url,
                "PORT": str(port),
                "STRIPE_API_KEY": KEY,
                "STRIPE_WEBHOOK_SECRET": self.secret,
                "STRIPE_RATE_GLOBAL": "1000",
                "STRIPE_RATE_ENDPOINT": "1000",
                "SETTLING_SECONDS": str(self.around.settling_s),
                "WORKER_THREADS": str(self.around.threads),
                "NIGHT_CRONTAB": self.around.night_crontab,
                "REFUND_POLICY": str(policy),
            }
            for role in ("web", "beat", "command", *(f"worker{number}" for number in range(self.workers))):
                place = f"{self.name}-{role}"
                self._doors[place] = opened.enter_context(Door(self.around.sandbox, place))
                if role != "command":
                    slot = self.slots[place] = Slot(place, partial(self._start, place, role))
                    opened.callback(slot.close)
            for slot in self.slots.values():
                slot.open()
            opened.callback(self.trail.close)
            self._open = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Kill all processes."""
        self._open.close()

    def pause(self, *, how: signal.Signals = signal.SIGKILL) -> None:
        """End everything, by `kill -9` or in good order; nothing starts until `go_on`."""
        for slot in self.slots.values():
            slot.pause(how=how)

    def go_on(self) -> None:
        """Start everything again."""
        for slot in self.slots.values():
            slot.open()

    def command(self, *arguments: str, output: Path | None = None) -> int:
        """Run a command of this deployment; returns its exit code."""
        return self.around.zygote.run(
            arguments, environment=self.environment("command"), log=self.log, output=output, shift_s=self.shift_s
        )

    def environment(self, role: str) -> dict[str, str]:
        """The environment of a process: each asks Stripe through a door of its own."""
        return self._environment | {"STRIPE_API_BASE": self._doors[f"{self.name}-{role}"].base_url}

    def _start(self, place: str, role: str) -> Child:
        return self.around.zygote.spawn(
            "worker" if role.startswith("worker") else role,
            environment=self._environment | {"STRIPE_API_BASE": self._doors[place].base_url},
            log=self.log,
            shift_s=self.shift_s,
        )


def _port_of_its_own() -> int:
    """A port that no connection is given by chance while web is dead: below those that the system chooses from."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as asked:
            try:
                asked.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
