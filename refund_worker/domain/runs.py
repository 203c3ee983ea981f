"""A run: one pass, nightly, on demand, or by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RunMode(StrEnum):
    """Whether money may move."""

    PLAN = "plan"
    RUN = "run"


class RunStatus(StrEnum):
    """How a run stands or ended; `stopped` by a safety limit, `interrupted` by a signal or a death."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the ledger keeps it.

    Attributes:
        command: run, plan, resume or recover.
        sweep: It read every customer, not only named ones.
        summary: The `--json` object without its cases, once finished.
    """

    id: str
    account: str
    livemode: bool
    command: str
    mode: RunMode
    sweep: bool
    policy_digest: str
    started_at: int
    finished_at: int | None = None
    status: RunStatus = RunStatus.RUNNING
    summary: Mapping[str, object] = field(default_factory=dict)
