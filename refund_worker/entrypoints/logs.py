"""One canonical log line a case, on standard error."""

from collections.abc import Callable

import structlog

from refund_worker.adapters.counts import Counts
from refund_worker.domain.cases import Outcome
from refund_worker.domain.results import CaseResult
from refund_worker.entrypoints.chores import Trouble
from refund_worker.entrypoints.telemetry import report
from refund_worker.usecases.run_night import Watcher

_BAD = frozenset({Outcome.FAILED, Outcome.UNKNOWN, Outcome.OWED})

log = structlog.get_logger("refund_worker")


class CaseLog:
    """Logs what happens in a run and hands it on to the progress bar, where there is one."""

    def __init__(self, progress: Watcher | None, *, also: Callable[[CaseResult], None]) -> None:
        self._progress = progress
        self._also = also
        self._run = ""

    def started(self, run: str) -> None:
        """The run is in the ledger."""
        self._run = run
        if self._progress is not None:
            self._progress.started(run)
        else:
            log.info("run_started", run=run)

    def customers_read(self, count: int) -> None:
        """So many customers were read so far."""
        if self._progress is not None:
            self._progress.customers_read(count)

    def warned(self, line: str) -> None:
        """Something that a person should know while the run goes on."""
        if self._progress is not None:
            self._progress.warned(line)
        else:
            log.warning("run_warned", run=self._run, says=line)

    def case_finished(self, result: CaseResult) -> None:
        """A case ended, or stays as it is."""
        self._also(result)
        if self._progress is not None:
            self._progress.case_finished(result)
            if result.outcome not in _BAD:
                return
        _log_case(result, run=self._run)


class WorkLog:
    """Logs and counts what a worker's crew does; a trouble is told when it changes."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._trouble = Trouble("work")

    def case_finished(self, result: CaseResult) -> None:
        """A case ended, or stays as it is."""
        self._trouble.over()
        self._counts.case(result)
        _log_case(result, run=result.run)
        if result.outcome is Outcome.FAILED:
            report(f"case {result.case} failed ({result.reason}): {result.detail}")

    def trouble(self, error: Exception) -> None:
        """The ledger could not be used, or a bug struck outside of a case; the crew goes on."""
        self._trouble.tell(error)


def _log_case(result: CaseResult, *, run: str | None) -> None:
    """The canonical line of a case: all that is known of it, once."""
    write = log.error if result.outcome in _BAD else log.info
    write(
        "case_finished",
        run=run,
        case=result.case,
        customer=result.customer,
        currency=result.currency,
        outcome=str(result.outcome),
        reason=None if result.reason is None else str(result.reason),
        credit_minor=result.credit_minor,
        refunded_minor=result.refunded_minor,
        pending_minor=result.pending_minor,
        held_minor=result.held_minor,
        left_minor=result.left_minor,
        detail=result.detail,
    )
