"""Exactly one night for each local date that the crontab names, whatever a country makes with its clocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from refund_worker.adapters.calendar import CrontabCalendar

HOUR = 3600
# Zones with the usual changes, half an hour of change, changes at midnight, a date that was left out, and none at all.
YEARS = [
    ("Europe/Berlin", 2025, 2028, "30 2 * * *"),
    ("Europe/Berlin", 2026, 2027, "*/30 1-3 * * *"),
    ("Europe/Berlin", 2026, 2027, "59 23 * * *"),
    ("America/New_York", 2025, 2028, "30 2 * * *"),
    ("America/New_York", 2026, 2027, "30 1 * * *"),
    ("Australia/Lord_Howe", 2025, 2027, "15 2 * * *"),
    ("Pacific/Apia", 2010, 2012, "30 2 * * *"),
    ("Pacific/Apia", 2011, 2012, "0 0 * * *"),
    ("Africa/Cairo", 2023, 2025, "0 0 * * *"),
    ("Africa/Cairo", 2024, 2025, "30 0 * * *"),
    ("America/Sao_Paulo", 2017, 2019, "15 0 * * *"),
    ("America/Scoresbysund", 2023, 2025, "30 0 * * *"),
    ("Asia/Kathmandu", 2026, 2027, "30 2 * * *"),
    ("UTC", 2026, 2027, "30 2 * * *"),
]


@dataclass
class Hands:
    """A clock that is set by hand."""

    at: int = 0

    def now(self) -> int:
        """Where it was set."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Nobody sleeps here."""
        raise NotImplementedError


def calendar(crontab: str, zone: str, clock: Hands) -> CrontabCalendar:
    """A calendar on that clock."""
    return CrontabCalendar(crontab=crontab, tz=ZoneInfo(zone), clock=clock)


def at(text: str) -> int:
    """Epoch seconds of an ISO time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def local_dates(zone: str, first: int, last: int) -> Iterator[str]:
    """The dates that were on some clock there, hour by hour."""
    seen: date | None = None
    for moment in range(first, last, HOUR // 2):
        today = datetime.fromtimestamp(moment, ZoneInfo(zone)).date()
        if today != seen:
            seen = today
            yield today.isoformat()


@pytest.mark.parametrize(("zone", "first", "last", "crontab"), YEARS)
def test_each_local_date_has_one_night(zone: str, first: int, last: int, crontab: str) -> None:
    """Every date of the years that was on a clock there, each once, in order; due from its time on, not before."""
    begin, end = (int(datetime(year, 1, 1, 12, tzinfo=UTC).timestamp()) for year in (first, last))
    clock = Hands(begin)
    nights = calendar(crontab, zone, clock)
    before = nights.night_due()
    dates = []
    while clock.at < end:
        coming = nights.next_night()
        assert coming.at > before.at
        clock.at = coming.at - 1
        assert nights.night_due() == before
        clock.at = coming.at
        assert nights.night_due() == coming
        dates.append(coming.date)
        before = coming
    there = local_dates(zone, begin, clock.at + HOUR)
    assert dates == [day for day in there if dates[0] <= day <= dates[-1]]
    assert len(dates) > 360


@pytest.mark.parametrize(
    ("zone", "crontab", "night", "begins"),
    [
        # The hour from 02:00 to 03:00 does not exist: as if the clock had not been changed, 02:30 CET = 03:30 CEST.
        ("Europe/Berlin", "30 2 * * *", "2026-03-29", "2026-03-29 01:30"),
        # It comes twice: the first one, 02:30 CEST.
        ("Europe/Berlin", "30 2 * * *", "2026-10-25", "2026-10-25 00:30"),
        ("America/New_York", "30 2 * * *", "2026-03-08", "2026-03-08 07:30"),
        ("America/New_York", "30 1 * * *", "2026-11-01", "2026-11-01 05:30"),
        # Half an hour of change.
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-04", "2026-10-03 15:45"),
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-05", "2026-04-04 14:45"),
        ("Pacific/Apia", "30 2 * * *", "2011-12-29", "2011-12-29 12:30"),
        ("Pacific/Apia", "30 2 * * *", "2011-12-31", "2011-12-30 12:30"),
        ("Africa/Cairo", "0 0 * * *", "2024-04-26", "2024-04-25 22:00"),
    ],
)
def test_a_changed_night_begins_at(zone: str, crontab: str, night: str, begins: str) -> None:
    """Worked out by hand from the zones' changes."""
    clock = Hands(at(begins))
    due = calendar(crontab, zone, clock).night_due()
    assert (due.date, due.at) == (night, at(begins))


@pytest.mark.parametrize(
    ("crontab", "dates"),
    [
        ("30 2 * * 1-5", ["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-30"]),
        ("0 3 1 * *", ["2026-12-01", "2027-01-01", "2027-02-01"]),
        ("0 3 29 2 *", ["2028-02-29", "2032-02-29"]),
    ],
)
def test_only_the_dates_that_the_crontab_names_have_nights(crontab: str, dates: list[str]) -> None:
    """Weekdays, months, leap days."""
    clock = Hands(at("2026-11-22 12:00"))
    nights = calendar(crontab, "Europe/Berlin", clock)
    found = []
    for _ in dates:
        coming = nights.next_night()
        found.append(coming.date)
        clock.at = coming.at
    assert found == dates


def test_the_night_that_was_due_is_found_however_long_ago() -> None:
    """A worker that was off for weeks, and a crontab of leap days."""
    clock = Hands(at("2026-11-22 12:00"))
    assert calendar("0 3 29 2 *", "Europe/Berlin", clock).night_due().date == "2024-02-29"
    assert calendar("30 2 * * *", "Europe/Berlin", clock).night_due().date == "2026-11-22"


def test_today_is_the_local_date() -> None:
    """Half past eleven in the evening in London is tomorrow in Berlin."""
    clock = Hands(at("2026-11-22 23:30"))
    assert calendar("30 2 * * *", "Europe/Berlin", clock).today() == "2026-11-23"
    assert calendar("30 2 * * *", "Europe/London", clock).today() == "2026-11-22"
