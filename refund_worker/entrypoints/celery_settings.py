"""How Celery is set up. SQL rows are the queue: a message only wakes a worker, and may be lost, late or doubled.

Where a comment gives a figure it was measured with Celery 5.7 and Redis 7.0 on two cores.
"""

import ssl
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from kombu import Queue

from refund_worker.settings import Settings, SettingsError

# A queue of its own: another application may use the same Redis, and may send `refund_worker.refund_customer` here.
QUEUE: Final = "refund_worker"
# The messages that wait when nobody works; with more the beat sends none, so that Redis stays small.
BACKLOG_MAX: Final = 100
# Tasks only wake threads of the crew, which does the work: four at once are plenty.
TASKS_AT_ONCE: Final = 4

TICK: Final = "refund_worker.tick"
NIGHT: Final = "refund_worker.night"
POLL: Final = "refund_worker.poll"
CONFIRM_REFUNDS: Final = "refund_worker.confirm_refunds"
NOTICES: Final = "refund_worker.notices"
HOUSEKEEPING: Final = "refund_worker.housekeeping"
REFUND_CUSTOMER: Final = "refund_worker.refund_customer"

# Seconds. A connection of which nothing is heard is given up, so that publishing never hangs: by default it took more
# than 35 s on a frozen Redis.
SOCKET_TIMEOUT_S: Final = 10
SOCKET_CONNECT_TIMEOUT_S: Final = 3


def broker_url(settings: Settings) -> str:
    """Where Redis is. Raises SettingsError where it is not said."""
    if settings.redis_url is None:
        raise SettingsError(
            "REDIS_URL is not set: a worker and the beat need Redis, for example redis://127.0.0.1:6379/0 "
            "(`refund-worker run` needs none)"
        )
    return settings.redis_url


def celery_settings(url: str) -> dict[str, Any]:
    """Celery's settings for a broker's address."""
    return {
        "broker_url": urlsplit(url)._replace(query="").geturl(),
        "broker_use_ssl": _tls(url),
        "broker_transport_options": _transport(),
        # A worker that starts before Redis does waits for it: its crew works from SQL meanwhile.
        "broker_connection_retry_on_startup": True,
        # For ever: by default a worker ends after the hundredth try, in the middle of the night.
        "broker_connection_max_retries": None,
        "broker_connection_timeout": SOCKET_CONNECT_TIMEOUT_S,
        # Ids only, as JSON: a pickle may be code, and that of a Stripe object holds the key.
        "accept_content": ["json"],
        "task_serializer": "json",
        "event_serializer": "json",
        # No answers are kept: chords held 1.5 KB a task, and nobody reads them.
        "result_backend": None,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        # A worker that is killed in a task leaves the message to another; every task may run twice.
        "task_acks_late": True,
        # With 4, 24 tasks of a second were executed 36 times.
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_pool": "threads",
        # What it refuses is told in one line, without the message.
        "worker_consumer": "refund_worker.entrypoints.consumer:QuietConsumer",
        "worker_concurrency": TASKS_AT_ONCE,
        # With REMAP_SIGTERM=SIGQUIT a signal lets begun tasks end, for a minute at most; so does the crew.
        "worker_soft_shutdown_timeout": 60.0,
        # A lost connection ends no task: they are short, and harmless when they come again.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Logs are ours: one line an event, redacted.
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        # Nobody may command workers through Redis, and no event tells it what they do.
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        "task_default_queue": QUEUE,
        "task_default_exchange": QUEUE,
        "task_default_routing_key": QUEUE,
        "task_queues": [Queue(QUEUE, routing_key=QUEUE)],
        # A message that cannot be sent now is not worth waiting for.
        "task_publish_retry": False,
        "enable_utc": True,
        "timezone": "UTC",
    }


def _transport() -> dict[str, Any]:
    return {
        # After a `kill -9` the message comes back after so long. Tasks last a second: twice at once is harmless.
        "visibility_timeout": 900,
        # Looked for each second: by default it took 91 s more, so 10.
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        # Names of our own: with the common ones we would restore another application's messages after *our* time.
        "unacked_key": f"{QUEUE}.unacked",
        "unacked_index_key": f"{QUEUE}.unacked_index",
        "unacked_mutex_key": f"{QUEUE}.unacked_mutex",
        # Publishing to a Redis that is gone fails within a second: by default it is tried for ever.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.2,
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": SOCKET_CONNECT_TIMEOUT_S,
        "socket_keepalive": True,
        "health_check_interval": 15,
    }


def _tls(url: str) -> dict[str, Any] | None:
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return None
    checked = parse_qs(parts.query).get("ssl_cert_reqs") != ["none"]
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED if checked else ssl.CERT_NONE, "ssl_check_hostname": checked}
