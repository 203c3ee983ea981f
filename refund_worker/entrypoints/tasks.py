"""Celery's tasks: each only wakes what the shift of this worker does anyway, or puts an id into the queue.

So a message that is lost, late or doubled changes nothing but the time. No task ever raises: a message that is refused
is told in one line and gone, and cannot come back as a loop of tracebacks.
"""

from collections.abc import Callable, Mapping
from functools import partial

import structlog
from celery import Celery

from refund_worker.domain.errors import LedgerError
from refund_worker.entrypoints import celery_settings
from refund_worker.entrypoints.customer_ids import is_customer_id
from refund_worker.entrypoints.working import Shift, current_shift

log = structlog.get_logger("refund_worker")

# What a wake-up is called as a task, and which chore of the shift it wakes.
WAKES: Mapping[str, str] = {
    celery_settings.TICK: "tick",
    celery_settings.NIGHT: "night",
    celery_settings.POLL: "poll",
    celery_settings.CONFIRM_REFUNDS: "confirm_refunds",
    celery_settings.NOTICES: "notices",
    celery_settings.HOUSEKEEPING: "housekeeping",
}


def register(app: Celery) -> None:
    """Give the application its tasks."""
    for name, chore in WAKES.items():
        _add(app, name, partial(_wake, chore))
    _add(app, celery_settings.REFUND_CUSTOMER, _refund_customer)


def _add(app: Celery, name: str, act: Callable[[Shift, Mapping[str, object]], str | None]) -> None:
    def run(*positional: object, **named: object) -> None:
        shift = current_shift()
        refused = "it takes keyword arguments only" if positional else None
        if shift is None:
            refused = "this worker has no shift"
        try:
            refused = refused or act(shift, named)  # type: ignore[arg-type]  # refused before, where there is none
        except LedgerError as error:
            # The night, or the application's next message, brings the customer again.
            log.error("task_failed", task=name, error=str(error))  # noqa: TRY400  the line says it all
            return
        if refused is not None:
            log.error("task_refused", task=name, reason=refused)

    app.task(name=name, shared=False)(run)


def _wake(chore: str, shift: Shift, named: Mapping[str, object]) -> str | None:
    if named:
        return "it takes no arguments"
    shift.wake(chore)
    return None


def _refund_customer(shift: Shift, named: Mapping[str, object]) -> str | None:
    """Put a customer into the queue; returns why not, else None."""
    customer = named.get("customer")
    if set(named) != {"customer"}:
        return "it takes one keyword argument, customer"
    if not isinstance(customer, str) or not is_customer_id(customer):
        return "customer is not a customer id (cus_…)"
    shift.want(customer)
    return None
