"""Sends messages as the merchant's application and the beat do: through Celery, onto the real Redis."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from celery import Celery

from refund_worker.entrypoints import celery_settings
from refund_worker.entrypoints.tasks import WAKES


class Sender:
    """A Celery application that only sends."""

    def __init__(self, url: str) -> None:
        self._app = Celery("chaos", set_as_current=False)
        self._app.conf.update(celery_settings.celery_settings(url))

    def send(self, *, customers: Iterable[str]) -> None:
        """Ask for customers by the documented task."""
        for customer in customers:
            self._send(celery_settings.REFUND_CUSTOMER, customer=customer)

    def wake_all(self) -> None:
        """Every wake-up of the schedule."""
        for name in WAKES:
            self._send(name)

    def _send(self, name: str, **named: str) -> None:
        try:
            self._app.send_task(name, kwargs=named)
        except Exception as away:  # noqa: BLE001  Redis is away in many ways
            raise OSError(f"not sent: {away}") from None

    def __enter__(self) -> Self:
        """Nothing is sent yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give up its connections."""
        self._app.close()
