"""Celery's consumer, which says in one line what it refuses: no dump of a message, whose content is a stranger's."""

import logging
from collections.abc import Callable
from typing import Any

import structlog
from celery.worker.consumer import Consumer
from kombu import Message
from redis.exceptions import RedisError

log = structlog.get_logger("refund_worker")

_NAME_LENGTH_MAX = 100


class QuietConsumer(Consumer):
    """Each refused message is gone after its line: it cannot come back as a loop of tracebacks."""

    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[Message], None]:
        """Celery's own, which trips over headers that are not as it writes them (no `id`, a list as `task`)."""
        take = super().create_task_handler(*arguments, **options)

        def take_or_refuse(message: Message) -> None:
            try:
                take(message)
            except (OSError, RedisError):
                raise  # Redis went away: Celery connects again, and the message comes back
            except Exception as error:  # noqa: BLE001  it would lose the connection, come back and do it again, for ever
                self._refuse(message, f"it is malformed: {type(error).__name__}")

        return take_or_refuse

    def on_decode_error(self, message: Message, exc: Exception) -> None:
        """It is not JSON (a pickle, say), or broken."""
        log.error("message_refused", reason=f"it is not JSON: {type(exc).__name__}")
        message.ack()

    def on_unknown_message(self, body: Any, message: Message) -> None:  # noqa: ARG002  as Celery calls it
        """It is no task."""
        self._refuse(message, "it is not a task")

    def on_unknown_task(self, body: Any, message: Message, exc: Exception) -> None:  # noqa: ARG002  as Celery calls it
        """It names a task that there is not."""
        name = str((message.headers or {}).get("task"))[:_NAME_LENGTH_MAX]
        self._refuse(message, f"there is no task {name!r}")

    def on_invalid_task(self, body: Any, message: Message, exc: Exception) -> None:  # noqa: ARG002  as Celery calls it
        """Its arguments are no arguments."""
        self._refuse(message, f"it is malformed: {type(exc).__name__}")

    def _refuse(self, message: Message, reason: str) -> None:
        log.error("message_refused", reason=reason)
        message.reject_log_error(logging.getLogger(__name__), (OSError, RedisError))
