"""Billing periods: calendar steps from an anchor, in UTC, and what part of one is left."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from typing import Final

_DAYS: Final = {"day": 1, "week": 7}
_MONTHS: Final = {"month": 1, "year": 12}


def step(anchor: int, *, interval: str, count: int, steps: int) -> int:
    """The end of the `steps`-th period after `anchor`, epoch seconds; months clamp to their last day."""
    start = datetime.fromtimestamp(anchor, UTC)
    if interval in _DAYS:
        return int((start + timedelta(days=_DAYS[interval] * count * steps)).timestamp())
    months = start.year * 12 + start.month - 1 + _MONTHS[interval] * count * steps
    year, month = divmod(months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def next_end(anchor: int, after: int, *, interval: str, count: int) -> int:
    """The first period end later than `after`."""
    length = (_DAYS.get(interval) or _MONTHS[interval] * 28) * count * 86400
    steps = max(1, (after - anchor) // (length * 2))
    while (end := step(anchor, interval=interval, count=count, steps=steps)) <= after:
        steps += 1
    return end


def day(moment: int) -> str:
    """A date as Stripe's line descriptions print it: `11 Oct 2026`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%d %b %Y")
