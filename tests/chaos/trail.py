"""A ledger on PostgreSQL read from outside, with SQL of its own."""

import threading
from collections import Counter
from typing import Any, Final

import psycopg

from tests.kill.trail import _LIVE

_NEWEST_STEP: Final = f"""
    select coalesce(s.step, 'reserve'), coalesce(s.state, 'intended') from cases c left join steps s on s.case_id = c.id
       and s.position = (select max(position) from steps where case_id = c.id)
    where c.state in {_LIVE}
"""  # noqa: S608  the words are ours
_SETTLED: Final = """
    select c.claimed_by from cases c where c.state = 'closing' and c.claimed_by is not null and
       (select sum(amount_minor) from steps where case_id = c.id and step = 'reserve' and state = 'accepted') =
       (select sum(amount_minor) from steps where case_id = c.id and step <> 'reserve' and state = 'accepted')
"""
_RECORDED: Final = """
    select count(*) from steps where state in ('accepted', 'refused') and
       ((case_id = %s and step = %s) or (step like 'delete_item%%' and target = %s))
"""
_WANTED: Final = "select count(*) from queue where due_at <= extract(epoch from now()) + %s"
_WAITING: Final = f"""
    select customer, coalesce(next_at, 0) - extract(epoch from now()) - %s, claimed_by, state from cases
    where state in {_LIVE}
"""  # noqa: S608  the words are ours
_PATIENT: Final = "-c statement_timeout=4000"


class Trail:
    """One ledger. Whatever asks of it raises psycopg.Error while its database is away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection | None = None
        self._lock = threading.Lock()

    def held_by(self, pid: int) -> Counter[tuple[str, str]]:
        """The live cases that a process claimed, by their newest step and what is known of it."""
        rows = self._rows(_NEWEST_STEP + " and c.claimed_by like %s", f"%:{pid}:%")
        return Counter((step.partition(":")[0], state) for step, state in rows)

    def settled_by(self) -> list[int]:
        """The processes that hold a case which has only to be closed."""
        return [int(claimant.rsplit(":", 2)[1]) for (claimant,) in self._rows(_SETTLED)]

    def recorded(self, case: str, step: str) -> bool:
        """Whether the ledger knows what became of a step."""
        return bool(self._rows(_RECORDED, case, step, step)[0][0])

    def live(self) -> Counter[tuple[str, str]]:
        """All live cases, by their newest step and what is known of it."""
        return Counter((step.partition(":")[0], state) for step, state in self._rows(_NEWEST_STEP))

    def live_cases(self, *, shift_s: int) -> list[tuple[Any, ...]]:
        """Customer, seconds until it goes on, claimant and state of each live case."""
        return self._rows(_WAITING, shift_s)

    def wanted(self, *, within_s: int) -> int:
        """Entries of the queue that are due by then, seconds from now by this machine's clock."""
        return int(self._rows(_WANTED, within_s)[0][0])

    def count(self, query: str) -> int:
        """The number that a query brings."""
        return int(self._rows(query)[0][0])

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query brings."""
        return self._rows(query)

    def _rows(self, query: str, *of: object) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=2, options=_PATIENT)
                return self._connection.execute(query.encode(), of or None).fetchall()
            except psycopg.Error:
                self._close()
                raise

    def close(self) -> None:
        """Give up the connection; the next question makes another."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
