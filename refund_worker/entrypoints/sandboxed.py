"""`sandbox`: serves the local Stripe until it is interrupted."""

import gc
import signal
import threading

import typer

from refund_worker.entrypoints.exits import WrongUse
from refund_worker.sandbox import POPULATIONS, serve


def serve_sandbox(*, port: int, scenario: str, customers: int, seed: int, latency_ms: int) -> None:
    """Serve on loopback; says the address and the key to use."""
    if scenario not in POPULATIONS:
        raise WrongUse(f"no scenario {scenario!r}; there are: {', '.join(sorted(POPULATIONS))}")
    try:
        server = serve(port=port, scenario=scenario, customers=customers, seed=seed, latency_ms=latency_ms)
    except OSError as error:
        raise WrongUse(f"cannot listen on port {port}: {error.strerror}; choose another with --port") from None
    gc.freeze()  # the population stays: searching it for cycles would cost the answers time
    with server:
        typer.echo(f"the sandbox serves {scenario!r} at {server.base_url}; press Ctrl-C to stop it. To use it:")
        typer.echo(f"export STRIPE_API_BASE={server.base_url} STRIPE_API_KEY=sk_test_sandbox")
        _wait_for_a_signal()


def _wait_for_a_signal() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
