"""`make up`: everything on one machine for development, until Ctrl-C."""

import argparse
import os
import sys

from honcho.manager import Manager
from honcho.printer import Printer

from deploy.local.stack import KEY, Stack

_ROLES = ("web", "worker", "beat")


def main() -> int:
    """Start Redis, PostgreSQL, the sandbox, web, worker and beat; print what one can do; stop all of it on a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=25, help="customers with an active subscription")
    parser.add_argument("--port", type=int, default=8000, help="of web")
    parser.add_argument("--settling", type=int, default=5, help="seconds between an event and its refund")
    given = parser.parse_args()
    with Stack(scenario="cluster", customers=given.customers, web_port=given.port) as stack:
        environment = stack.environment | {"SETTLING_SECONDS": str(given.settling), "PYTHONUNBUFFERED": "1"}
        print(_told(stack), flush=True)  # noqa: T201  a command's output
        manager = Manager(Printer(sys.stdout))
        for role in _ROLES:
            manager.add_process(role, f"exec refund-worker {role}", env=os.environ | environment)
        manager.loop()
    # Ended by Ctrl-C is how this ends.
    return 0 if manager.returncode is None or manager.returncode in {0, 130, -2, -15} else 1


def _told(stack: Stack) -> str:
    base = stack.sandbox.base_url
    names = ("DATABASE_URL", "REDIS_URL", "STRIPE_WEBHOOK_SECRET")
    shown = " ".join(f"{name}='{stack.environment[name]}'" for name in names)
    return f"""
web        http://127.0.0.1:{stack.web_port}  (/webhooks/stripe, /healthz, /readyz, /metrics)
Stripe     {base}  (the sandbox; its webhooks go to web)

In another terminal:

export STRIPE_API_KEY={KEY} STRIPE_API_BASE={base} {shown}
curl -s -u {KEY}: '{base}/v1/subscriptions?limit=3'      # choose a subscription
curl -s -u {KEY}: -X DELETE {base}/v1/subscriptions/sub_... -d prorate=true -d invoice_now=true
.venv/bin/refund-worker explain cus_...        # and some seconds later
.venv/bin/refund-worker doctor

Ctrl-C stops all of it.
"""


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # before all of it was up; what was is stopped
        sys.exit(130)
