"""Serves the application on a port until a signal ends it."""

import asyncio
import contextlib
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import structlog
import uvicorn
from redis import Redis

from refund_worker.adapters.clock import SystemClock
from refund_worker.adapters.ledger.gauges import SqlGauges
from refund_worker.adapters.ledger.opening import open_database
from refund_worker.adapters.ledger.queue import SqlQueue
from refund_worker.entrypoints.exits import Exit, WrongUse
from refund_worker.entrypoints.web.application import create_app
from refund_worker.entrypoints.web.connection import Connection
from refund_worker.entrypoints.web.parts import WebParts
from refund_worker.entrypoints.web.webhooks import PATH
from refund_worker.settings import Settings

# More connections than that wait for nothing but a ledger that stands still: they are answered 503, or ended.
_CONNECTIONS_MAX: Final = 1_500
_CONNECTIONS_MIN: Final = 100
_BACKLOG: Final = 1_024
# Files beside those connections: all of a backlog is accepted before one of it is ended. Without a file left for the
# next one asyncio writes thousands of tracebacks a second.
_OTHER_FILES: Final = _BACKLOG + 100
# An idle connection of a proxy is kept for longer than the proxy keeps it (60 s), so that it is not cut while in use.
_KEEP_ALIVE_S: Final = 75
# Below the grace of Heroku (30 s) and Kubernetes (30 s).
_GRACE_S: Final = 15
_REDIS_WITHIN_S: Final = 1.0

log = structlog.get_logger("refund_worker")


def serve(settings: Settings) -> Exit:
    """Serve until SIGTERM or SIGINT.

    Raises:
        LedgerError: If the ledger cannot be used, or lacks the tables of this version.
        WrongUse: If the port is taken, or the key is of the other mode than the ledger.
    """
    with contextlib.ExitStack() as open_now:
        database = open_database(settings.database_url)
        open_now.callback(database.close)
        gauges = SqlGauges(database)
        _check_mode(settings, bound=gauges.state().livemode)
        listener = open_now.enter_context(_listener(settings.port))
        if not settings.webhook_secrets:
            log.warning("webhooks_disabled", path=PATH, why="STRIPE_WEBHOOK_SECRET is not set: only polls find changes")
        parts = WebParts(
            queue=SqlQueue(database),
            gauges=gauges,
            clock=SystemClock(),
            webhook_secrets=settings.webhook_secrets,
            livemode=None if settings.stripe_api_key is None else settings.livemode,
            ping=_ping(settings.redis_url),
            metrics_token=settings.metrics_token,
        )
        log.info("web_started", port=settings.port, pid=os.getpid())
        _Server(_config(parts)).run(sockets=[listener])
        log.info("web_ended")
    return Exit.FINISHED


def _check_mode(settings: Settings, *, bound: bool | None) -> None:
    """With the key of the other mode every webhook would be refused."""
    if settings.stripe_api_key is not None and bound not in {None, settings.livemode}:
        key, ledger = ("live", "test") if settings.livemode else ("test", "live")
        raise WrongUse(
            f"STRIPE_API_KEY is of {key} mode, the ledger of {ledger} mode: correct STRIPE_API_KEY or DATABASE_URL"
        )


class _Server(uvicorn.Server):
    """Ends with a return on a signal; uvicorn's own raises it once more, and the exit code would say `killed`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


def _config(parts: WebParts) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(parts),
        http=Connection,
        log_config=None,
        # Errors only: a line for each malformed request would let anybody fill the log.
        log_level="error",
        access_log=False,
        server_header=False,
        # Whoever connected is who is judged; nobody may name another address for himself.
        proxy_headers=False,
        ws="none",
        lifespan="on",
        backlog=_BACKLOG,
        limit_concurrency=connections_max(),
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )


def connections_max() -> int:
    """How many connections there may be, after asking the system for as many open files as they take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS_MAX + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    room = wanted if soft == resource.RLIM_INFINITY else soft
    return max(_CONNECTIONS_MIN, min(_CONNECTIONS_MAX, room - _OTHER_FILES))


@contextlib.contextmanager
def _listener(port: int) -> Iterator[socket.socket]:
    """Listen on every address, IPv6 too where the machine has it."""
    try:
        listening = _bound(port)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error  # its own text repeats the address
        raise WrongUse(f"cannot listen on port {port}: {why}; choose another in PORT") from None
    with listening:
        # Inherited by its connections. An answer is written in two parts: without it the second waits for the other
        # side's delayed acknowledgement, 40 ms. (asyncio sets it only on sockets that it made itself.)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listening


def _bound(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):
            return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
    return socket.create_server(("0.0.0.0", port), backlog=_BACKLOG)  # noqa: S104  a container's platform connects from outside


def _ping(url: str | None) -> Callable[[], object] | None:
    if url is None:
        return None
    redis = Redis.from_url(url, socket_timeout=_REDIS_WITHIN_S, socket_connect_timeout=_REDIS_WITHIN_S)
    return redis.ping
