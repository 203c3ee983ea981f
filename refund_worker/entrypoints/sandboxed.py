"""`sandbox`: serves the local Stripe until it is interrupted."""

from refund_worker.entrypoints.exits import WrongUse
from refund_worker.sandbox import POPULATIONS, serve


def serve_sandbox(*, port: int, scenario: str, customers: int, seed: int, latency_ms: int) -> None:
    """Serve on loopback; says the address and the key to use."""
    if scenario not in POPULATIONS:
        raise WrongUse(f"no scenario {scenario!r}; there are: {', '.join(sorted(POPULATIONS))}")
    try:
        serve(port=port, scenario=scenario, customers=customers, seed=seed, latency_ms=latency_ms)
    except OSError as error:
        raise WrongUse(f"cannot listen on port {port}: {error.strerror}; choose another with --port") from None
