"""One canonical log line a case, on standard error."""

from collections.abc import Callable

import structlog

from refund_worker.domain.cases import Outcome
from refund_worker.domain.results import CaseResult
from refund_worker.usecases.run_night import Watcher

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

    def case_finished(self, result: CaseResult) -> None:
        """A case ended, or stays as it is."""
        self._also(result)
        bad = result.outcome in {Outcome.FAILED, Outcome.UNKNOWN, Outcome.OWED}
        if self._progress is not None:
            self._progress.case_finished(result)
            if not bad:
                return
        write = log.error if bad else log.info
        write(
            "case_finished",
            run=self._run,
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
