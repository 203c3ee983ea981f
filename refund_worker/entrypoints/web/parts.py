"""What the web process is made of."""

from collections.abc import Callable
from dataclasses import dataclass, field

from refund_worker.adapters.ledger.gauges import SqlGauges
from refund_worker.entrypoints.web.committer import Shared
from refund_worker.ports.surroundings import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """What the routes need.

    Attributes:
        queue: Where events are received.
        gauges: What is read of the ledger for probes and metrics.
        webhook_secrets: Of the endpoint, the newest first; none = the endpoint is disabled.
        livemode: The mode of the key, where there is a key; else the ledger's own counts.
        ping: Raises where Redis does not answer; None where no Redis is configured.
        metrics_token: What a scraper must show; None = only neighbours may read.
    """

    queue: Shared
    gauges: SqlGauges
    clock: Clock
    webhook_secrets: tuple[str, ...] = field(repr=False)
    livemode: bool | None = None
    ping: Callable[[], object] | None = None
    metrics_token: str | None = field(default=None, repr=False)
