"""Days and nights in the company's time zone: which night is due, and which comes next.

A night is named by the local date on which the crontab sets it, and each date has one night at most: of several
times on one date the first counts. Cron's arithmetic is made on the wall clock alone, without a zone; a time is turned
into an instant at the very end. So a change of daylight saving time can neither skip a night nor repeat it: a time
that does not exist (02:30 in Berlin in spring) is taken as if the clock had not been changed yet, one that comes twice
is taken at its first coming. A date that a country left out (Apia, 30 December 2011) has no night.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from cronsim import CronSim

from refund_worker.domain.nights import NightDue
from refund_worker.ports import Clock

_DAY = timedelta(days=1)


class CrontabCalendar:
    """The calendar of a crontab and a time zone. Implements `ports.Calendar`."""

    def __init__(self, *, crontab: str, tz: tzinfo, clock: Clock) -> None:
        """Keep them.

        Args:
            crontab: Five fields of which some day matches (`settings` has checked it).
            tz: The zone in which finance counts days.
        """
        self._crontab = crontab
        self._tz = tz
        self._clock = clock

    def today(self) -> str:
        """The local date, ISO."""
        return self._local(self._clock.now()).date().isoformat()

    def night_due(self) -> NightDue:
        """The newest night whose time has come, also where a daylight-saving change skipped or repeated that hour."""
        now = self._clock.now()
        return next(night for night in self._nights(now, back=True) if night.at <= now)

    def next_night(self) -> NightDue:
        """The night that comes next."""
        now = self._clock.now()
        return next(night for night in self._nights(now, back=False) if night.at > now)

    def _nights(self, now: int, *, back: bool) -> Iterator[NightDue]:
        """The nights from a time on or back; begins a day on its other side, for a change may move an hour."""
        here = self._local(now).replace(tzinfo=None)
        seen: date | None = None
        for matched in CronSim(self._crontab, here + _DAY if back else here - 2 * _DAY, reverse=back):
            if matched.date() != seen:
                seen = matched.date()
                at = self._night_of(seen)
                if at is not None:
                    yield NightDue(date=seen.isoformat(), at=at)

    def _night_of(self, day: date) -> int | None:
        """The first time that the crontab sets on a date; None where the date was left out."""
        midnight = datetime.combine(day, time.min)
        if self._local(self._instant(midnight)).date() != day:
            return None
        return self._instant(next(CronSim(self._crontab, midnight - timedelta(seconds=1))))

    def _instant(self, wall: datetime) -> int:
        """Epoch seconds of a time of the wall clock: of two the first, of none as before the change."""
        return int(wall.replace(tzinfo=self._tz, fold=0).timestamp())

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at, UTC).astimezone(self._tz)
