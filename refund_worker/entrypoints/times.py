"""Times for people."""

from datetime import UTC, datetime


def utc(at: int) -> str:
    """Return epoch seconds as `2026-11-22 03:00 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def age(seconds: int) -> str:
    """Return how long ago in two units at most: `3 d 4 h`, `12 min`, `40 s`."""
    seconds = max(0, seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86400} d {seconds % 86400 // 3600} h"
