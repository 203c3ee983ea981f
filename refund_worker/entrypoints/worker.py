"""`worker`: Celery listens for wake-ups, the shift works. One process, threads only.

A signal: no new case begins, those that have reserved are finished, at most a minute; what is left then is told, and
another worker resumes it. A second signal ends at once.
"""

import os
import signal
import sys
import warnings
from types import FrameType
from typing import Any

import structlog
from celery import Celery, bootsteps, signals
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.worker import state

from refund_worker.entrypoints import tasks
from refund_worker.entrypoints.celery_settings import broker_url, celery_settings
from refund_worker.entrypoints.exits import Exit, one_line_and_exit, say
from refund_worker.entrypoints.hiring import hire
from refund_worker.entrypoints.telemetry import begin_telemetry
from refund_worker.entrypoints.working import Shift, current_shift, take_over
from refund_worker.observability import configure_logging, keep_secret
from refund_worker.settings import Settings, load_settings

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

log = structlog.get_logger("refund_worker")


class ShiftStep(bootsteps.StartStopStep):
    """The shift as a part of Celery's worker: begins before its consumer, so that work goes on while Redis is gone."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        """Hire, which checks the configuration: one line and exit code 2 where it is wrong."""
        super().__init__(parent, **options)
        if current_shift() is None:
            with one_line_and_exit():
                settings = load_settings(os.environ)
                keep_secret(settings.secrets())
                begin_telemetry(settings, role="worker")
                take_over(hire(settings))

    def start(self, parent: Any) -> None:  # noqa: ARG002  as Celery calls it
        """Begin to work."""
        shift = current_shift()
        # It speaks of tasks that are cut off when the broker is lost; ours are over in a moment, and harmless twice.
        warnings.simplefilter("ignore", CPendingDeprecationWarning)
        if shift is not None:
            _end_on_signals(shift)
            shift.start()
            log.info("worker_started", pid=os.getpid())

    def stop(self, parent: Any) -> None:  # noqa: ARG002  as Celery calls it
        """Finish what was begun."""
        end_shift()

    terminate = stop


def make_app(settings: Settings) -> Celery:
    """Build the application. Raises SettingsError where the broker is not said."""
    app = Celery("refund_worker", set_as_current=False)
    app.conf.update(celery_settings(broker_url(settings)))
    tasks.register(app)
    app.steps["worker"].add(ShiftStep)
    return app


def serve_worker(settings: Settings) -> Exit:
    """Work until a signal. Raises what `hire` raises."""
    # Celery warns of root because a pickle could be code; only JSON is taken here.
    warnings.simplefilter("ignore", SecurityWarning)
    app = make_app(settings)
    take_over(hire(settings))
    worker = app.Worker(
        quiet=True,
        without_gossip=True,  # workers meet in SQL: they need not hear of each other through Redis
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    end_shift()
    return Exit.FINISHED


def end_shift() -> None:
    """Finish what the shift has begun, once; where a minute is not enough the process ends here."""
    shift = current_shift()
    take_over(None)
    if shift is None:
        return
    left = shift.finish()
    log.info("worker_ended", pid=os.getpid(), unfinished=left)
    if left:
        say(f"interrupted; {left} cases are unfinished: another worker or `refund-worker resume` finishes them")
        os._exit(Exit.INTERRUPTED)  # the threads would be waited for


def _end_on_signals(shift: Shift) -> None:
    """Let the first signal end shift and Celery in order, and the second at once."""

    def end(number: int, _frame: FrameType | None) -> None:
        if shift.ending:
            os._exit(128 + number)
        shift.end()
        state.should_terminate = 0  # type: ignore[assignment]  # Celery's own word for: end with this exit code

    for number in _ENDING:
        signal.signal(number, end)


@signals.setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Celery sets up no logging of its own where this is connected."""
    configure_logging(json=not sys.stderr.isatty(), stream=sys.stderr)
