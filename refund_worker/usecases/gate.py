"""Who decides whether another case may begin: within one process, or among all workers of a shared run."""

from typing import Protocol

from refund_worker.domain.nights import Admission
from refund_worker.domain.plans import Plan
from refund_worker.domain.results import CaseResult


class Gate(Protocol):
    """Asked before each case; told how each ended. Threads share it."""

    @property
    def closed(self) -> bool:
        """No new case may begin."""

    @property
    def interrupted(self) -> bool:
        """A signal asked for the end of this process."""

    def admit(self, plan: Plan) -> Admission:
        """Book a case's planned sum against the limits of the run; `STOPPED` where nothing more is begun at all."""

    def finished(self, result: CaseResult, *, resumed: bool = False) -> None:
        """Learn how a case ended: failures in a row, or a write without permission or funds, stop the run."""

    def refuse(self, message: str) -> None:
        """Stop because the key is wrong or lacks a permission; `message` names it."""

    def stop(self, message: str) -> None:
        """Stop because Stripe gives no answer to go on with; `message` says why."""
