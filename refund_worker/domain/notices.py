"""Notices for people: what happened, once, without customers' names."""

from dataclasses import dataclass
from enum import StrEnum


class NoticeKind(StrEnum):
    """What is worth a message."""

    NIGHT_FINISHED = "night_finished"
    NIGHT_STOPPED = "night_stopped"
    NIGHT_MISSED = "night_missed"
    NIGHT_UNUSUAL = "night_unusual"
    FUNDS_SHORT = "funds_short"
    CASE_STUCK = "case_stuck"
    REFUND_FAILED = "refund_failed"
    HALTED = "halted"


# A case that is unknown, or whose credit is reserved and not refunded, for longer than this is told of.
STUCK_AFTER_S = 15 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message to send.

    Attributes:
        key: Names what it is about; the same key is never sent twice.
        body: Plain text; ids of cases and runs, sums and reasons, no names, no e-mail addresses.
    """

    key: str
    kind: NoticeKind
    title: str
    body: str
