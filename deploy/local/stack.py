"""The whole service on this machine: Redis, PostgreSQL and the local Stripe, and the environment of its processes."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from deploy.local.postgres_server import PostgresServer
from deploy.local.redis_server import RedisServer
from deploy.local.server import free_port
from refund_worker.domain.events import EVENT_TYPES
from refund_worker.sandbox import SandboxServer, serve

KEY = "sk_test_sandbox"
_TIMEOUT_S = 30


class Stack:
    """Servers that run while the context lasts. Nothing of them is left behind.

    Attributes:
        environment: Of web, worker, beat and the command line, with the platform's variables and nothing else.
    """

    sandbox: SandboxServer
    postgres: PostgresServer
    redis: RedisServer

    def __init__(self, *, scenario: str, customers: int, web_port: int | None = None, latency_ms: int = 0) -> None:
        """Prepare; nothing is started."""
        self._scenario, self._customers, self._latency_ms = scenario, customers, latency_ms
        self.web_port = web_port or free_port()
        self.environment: dict[str, str] = {}
        self._servers = ExitStack()

    def __enter__(self) -> Self:
        """Start the servers, migrate the ledger, register the webhook endpoint."""
        with ExitStack() as servers:
            self.redis = servers.enter_context(RedisServer(durable=False))
            self.postgres = servers.enter_context(PostgresServer(durable=False))
            self.sandbox = servers.enter_context(
                serve(scenario=self._scenario, customers=self._customers, latency_ms=self._latency_ms)
            )
            self.environment = {
                "PATH": f"{program().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
                "HOME": os.environ.get("HOME", "/"),
                "LANG": os.environ.get("LANG", "C.UTF-8"),
                "TERM": os.environ.get("TERM", "dumb"),
                "DATABASE_URL": self.postgres.url,
                "REDIS_URL": self.redis.url,
                "PORT": str(self.web_port),
                "STRIPE_API_BASE": self.sandbox.base_url,
                "STRIPE_API_KEY": KEY,
            }
            self.environment["STRIPE_WEBHOOK_SECRET"] = self._register_endpoint()
            self.refund_worker("db", "upgrade")
            self._servers = servers.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop them."""
        self._servers.close()

    def refund_worker(self, *arguments: str, expect: int = 0) -> str:
        """Run a command to its end; returns its standard output. Raises RuntimeError for another exit code."""
        done = subprocess.run(  # noqa: S603  the program of this checkout
            [str(program()), *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode != expect:
            raise RuntimeError(
                f"refund-worker {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}"
            )
        return done.stdout

    def stripe(self, method: str, path: str, **params: object) -> dict[str, Any]:
        """Call the local Stripe as a merchant's application would."""
        answer = requests.request(
            method, f"{self.sandbox.base_url}{path}", data=params, auth=(KEY, ""), timeout=_TIMEOUT_S
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _register_endpoint(self) -> str:
        endpoint = self.stripe(
            "POST",
            "/v1/webhook_endpoints",
            url=f"http://127.0.0.1:{self.web_port}/webhooks/stripe",
            **{f"enabled_events[{place}]": kind for place, kind in enumerate(EVENT_TYPES)},
        )
        return str(endpoint["secret"])


def program() -> Path:
    """The console script beside this Python."""
    return Path(sys.executable).parent / "refund-worker"
