"""What monitoring asks of the ledger. Each query reads an index or a small table: cheap with a million cases.

Sums are in the currency's minor unit, times epoch seconds.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, case, func, or_, select

from refund_worker.adapters.ledger.cluster_tables import (
    CLAIMED,
    FREE,
    counters,
    halts,
    notices,
    queue,
    shared_runs,
    watched_refunds,
)
from refund_worker.adapters.ledger.customer_queue import MAY_WORK
from refund_worker.adapters.ledger.engine import Database
from refund_worker.adapters.ledger.schema import check_schema
from refund_worker.adapters.ledger.tables import LIVE_CASES, bindings, cases, runs, steps
from refund_worker.adapters.ledger.verify_sums import STANDS
from refund_worker.domain.errors import LedgerError
from refund_worker.domain.nights import UNUSUAL, Phase, night_name
from refund_worker.domain.runs import RunStatus

_COUNTERS = select(counters.c.name, counters.c.labels, counters.c.count)
_RUNS = (
    select(runs.c.command, runs.c.status, func.count())
    .where(runs.c.status != str(RunStatus.RUNNING))
    .group_by(runs.c.command, runs.c.status)
)
_DUE = select(func.count()).select_from(queue).where(FREE, queue.c.due_at <= bindparam("now"), MAY_WORK)
_WAITING = select(func.count()).select_from(queue).where(FREE, or_(queue.c.due_at > bindparam("now"), ~MAY_WORK))
_CLAIMED = select(func.count()).select_from(queue).where(CLAIMED)
_OLDEST_DUE = select(func.min(queue.c.due_at)).where(FREE, MAY_WORK)
_LIVE = select(func.count(), func.min(cases.c.opened_at)).select_from(cases).where(LIVE_CASES)
_PENDING = select(watched_refunds.c.status, func.count(), func.min(watched_refunds.c.since)).group_by(
    watched_refunds.c.status
)
_NIGHT = (
    select(func.max(runs.c.finished_at))
    .join(shared_runs, shared_runs.c.run == runs.c.id)
    .where(shared_runs.c.name.startswith(night_name("")), runs.c.status == str(RunStatus.FINISHED))
)
_MISSED = select(func.sum(shared_runs.c.missed))
_HALTED = select(func.count()).select_from(halts)
_UNUSUAL = (
    select(func.count())
    .select_from(shared_runs)
    .where(shared_runs.c.stop == UNUSUAL, shared_runs.c.phase != str(Phase.ENDED))
)
_UNSENT = (
    select(func.count())
    .select_from(notices)
    .where(notices.c.sent_at.is_(None), notices.c.created_at > bindparam("since"))
)

_QUEUE = {"due": _DUE, "waiting": _WAITING, "claimed": _CLAIMED}

# The condition stands alone: steps have a state too.
_live_cases = select(cases.c.id, cases.c.currency).where(LIVE_CASES).subquery()
_is_reserve = steps.c.step == "reserve"
_of_each_case = (
    select(
        _live_cases.c.currency,
        # What the customer is short of: the reserve less all that went back, as cash or as credit.
        func.sum(case((_is_reserve, steps.c.amount_minor), else_=-steps.c.amount_minor)).label("short_minor"),
        func.max(case((_is_reserve, steps.c.answered_at))).label("since"),
    )
    .join(steps, steps.c.case_id == _live_cases.c.id)
    .where(STANDS)
    .group_by(_live_cases.c.id, _live_cases.c.currency)
    .subquery()
)
_OUTSTANDING = (
    select(_of_each_case.c.currency, func.sum(_of_each_case.c.short_minor * (bindparam("now") - _of_each_case.c.since)))
    .where(_of_each_case.c.short_minor > 0, _of_each_case.c.since < bindparam("now"))
    .group_by(_of_each_case.c.currency)
)

# What was given up after a day is told of over a weekend, then no longer.
_UNSENT_FOR_S: Final = 3 * 24 * 3600
# Of one statement. A scrape that takes longer is given up by whoever asked.
_STATEMENT_MS: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """What a probe asks of a ledger that answers.

    Attributes:
        migrated: Its tables are of this version; else the rest is not known.
        livemode: The mode of the account it is bound to; None where it is not bound.
        waiting: A run waits as unusual, to be let through.
    """

    migrated: bool
    livemode: bool | None = None
    halted: bool = False
    waiting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """What monitoring sees of the ledger.

    Attributes:
        counters: By name and labels (canonical JSON of strings).
        runs: Ended runs by command and status.
        queue: Entries by state: due, waiting, claimed.
        queue_oldest_due_s: How long the oldest due entry has waited, seconds; 0 where none is due.
        oldest_unfinished_s: The age of the oldest live case, seconds; 0 where none is live.
        cent_minutes: By currency: what is reserved and neither refunded nor given back, times the minutes since.
        pending_refunds: Refunds without a last word, by status.
        night_finished_s: Seconds since a night finished; None where none ever did.
        missed_credits: Credits that sweeps found and no event had told of, in all.
        unusual_runs: Runs that wait as unusual, to be let through.
    """

    counters: Mapping[tuple[str, str], int]
    runs: Mapping[tuple[str, str], int]
    queue: Mapping[str, int]
    queue_oldest_due_s: int
    live_cases: int
    oldest_unfinished_s: int
    cent_minutes: Mapping[str, float]
    pending_refunds: Mapping[str, int]
    pending_refund_oldest_s: int
    night_finished_s: int | None
    missed_credits: int
    halted: bool
    unusual_runs: int
    unsent_notices: int


class SqlGauges:
    """Reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self) -> LedgerState:
        """The state of the ledger. Raises LedgerError where it does not answer."""
        with self._reading() as connection:
            try:
                if not check_schema(connection, where=self._database.where):
                    return LedgerState(migrated=False)
            except LedgerError:  # of a newer version, or of another program
                return LedgerState(migrated=False)
            livemode = connection.execute(select(bindings.c.livemode)).scalar()
            return LedgerState(
                migrated=True,
                livemode=None if livemode is None else bool(livemode),
                halted=_halted(connection),
                waiting=bool(connection.execute(_UNUSUAL).scalar()),
            )

    def read(self, *, now: int) -> Gauges:
        """Read all of them in one transaction. Raises LedgerError."""
        with self._reading() as connection:
            oldest_due = connection.execute(_OLDEST_DUE).scalar()
            live, oldest_live = connection.execute(_LIVE).one()
            pending = connection.execute(_PENDING).all()
            night = connection.execute(_NIGHT).scalar()
            return Gauges(
                counters={(name, labels): count for name, labels, count in connection.execute(_COUNTERS)},
                runs={(command, status): count for command, status, count in connection.execute(_RUNS)},
                queue={state: connection.execute(count, {"now": now}).scalar() or 0 for state, count in _QUEUE.items()},
                queue_oldest_due_s=_age(oldest_due, now=now),
                live_cases=live,
                oldest_unfinished_s=_age(oldest_live, now=now),
                cent_minutes={
                    currency: float(cent_seconds) / 60
                    for currency, cent_seconds in connection.execute(_OUTSTANDING, {"now": now})
                },
                pending_refunds={status: count for status, count, _ in pending},
                pending_refund_oldest_s=_age(min((since for _, _, since in pending), default=None), now=now),
                night_finished_s=None if night is None else _age(night, now=now),
                missed_credits=int(connection.execute(_MISSED).scalar() or 0),
                halted=_halted(connection),
                unusual_runs=connection.execute(_UNUSUAL).scalar() or 0,
                unsent_notices=connection.execute(_UNSENT, {"since": now - _UNSENT_FOR_S}).scalar() or 0,
            )

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._database.reading() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {_STATEMENT_MS}")
            yield connection


def _halted(connection: Connection) -> bool:
    return bool(connection.execute(_HALTED).scalar())


def _age(since: int | None, *, now: int) -> int:
    """Seconds since then; 0 where it never was, or lies ahead."""
    return 0 if since is None else max(0, now - since)
