"""Times for people."""

from datetime import UTC, datetime


def utc(at: int) -> str:
    """Return epoch seconds as `2026-11-22 03:00 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
