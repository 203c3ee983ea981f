"""The web process: Stripe's webhooks, probes, metrics.

Reading order: `application` (the routes), `webhooks` (what a delivery must be), `committer` (how it comes to stand in
the ledger), `health` and `metrics` (what platforms and Prometheus ask), `serving` (the port).
"""

from refund_worker.entrypoints.web.application import create_app
from refund_worker.entrypoints.web.parts import WebParts
from refund_worker.entrypoints.web.serving import serve

__all__ = ["WebParts", "create_app", "serve"]
