"""A stateful local Stripe, API version 2026-10-28.endive; it stands apart and imports nothing else of this program.

Reading order: `sandbox` (what one can do with it), `exchange` (a request's way), `routes` and `resources/` (the
endpoints), `billing/` (what Stripe does by itself), `world` and `store` (what is remembered), `faults`, `server`,
`webhooks/` (events on their way).
"""

from refund_worker.sandbox.answers import Answer, SandboxError
from refund_worker.sandbox.books import Books
from refund_worker.sandbox.faults import AnswerLost, Fault
from refund_worker.sandbox.limits import RateLimits
from refund_worker.sandbox.populations import POPULATIONS
from refund_worker.sandbox.sandbox import Sandbox, Snapshot
from refund_worker.sandbox.server import SandboxServer
from refund_worker.sandbox.serving import serve
from refund_worker.sandbox.webhooks.faults import DeliveryFaults

__all__ = [
    "POPULATIONS",
    "Answer",
    "AnswerLost",
    "Books",
    "DeliveryFaults",
    "Fault",
    "RateLimits",
    "Sandbox",
    "SandboxError",
    "SandboxServer",
    "Snapshot",
    "serve",
]
