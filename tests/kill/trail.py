"""The ledger read from outside, with SQL of its own: by a look beside the running program, or as a kill left it."""

import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LIVE: Final = "('crediting', 'deleting', 'reserving', 'refunding', 'closing')"
_NEWEST_STEP: Final = f"""
    select coalesce(s.step, 'reserve'), coalesce(s.state, 'intended') from cases c left join steps s on s.case_id = c.id
       and s.position = (select max(position) from steps where case_id = c.id)
    where c.state in {_LIVE}
"""  # noqa: S608  the words are ours
# All that was reserved went out or back, and that is recorded; only the close is missing.
_SETTLED: Final = """
    select count(*) from cases c where c.state = 'closing' and
       (select sum(amount_minor) from steps where case_id = c.id and step = 'reserve' and state = 'accepted') =
       (select sum(amount_minor) from steps where case_id = c.id and step <> 'reserve' and state = 'accepted')
"""
# A deletion is known by its item, every other write by its mark.
_RECORDED: Final = """
    select count(*) from steps where state in ('accepted', 'refused') and
       ((case_id = ? and step = ?) or (step like 'delete_item%' and target = ?))
"""
_NEWEST_ENTRY: Final = "select kind, body from audit_entries order by sequence desc limit 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What a kill left in the ledger.

    Attributes:
        live: The live cases by newest step and what is known of it.
        settled: How many cases had only to be closed.
        newest: The step that the newest entry of the trail speaks of.
    """

    live: Counter[tuple[str, str]]
    settled: int
    newest: str


def remains(ledger: Path, *, beside: Path) -> Remains:
    """Look at a copy, so that the next start finds the write-ahead log as the kill left it."""
    with closing(_copied(ledger, beside)) as connection:
        live = Counter((step.partition(":")[0], state) for step, state in connection.execute(_NEWEST_STEP))
        kind, body = connection.execute(_NEWEST_ENTRY).fetchone()
        return Remains(live=live, settled=_count(connection, _SETTLED), newest=_step_of(kind, json.loads(body)))


def is_recorded(ledger: Path, *, beside: Path, case: str, step: str) -> bool:
    """Whether the ledger, as a kill left it, knows what became of a step."""
    with closing(_copied(ledger, beside)) as connection:
        return _count(connection, _RECORDED, case, step, step) > 0


class Peephole:
    """Looks at the ledger of a running program without touching it."""

    def __init__(self, ledger: Path) -> None:
        self._connection = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, timeout=5)

    def settled(self) -> int:
        """How many cases have only to be closed."""
        return _count(self._connection, _SETTLED)

    def recorded(self, case: str, step: str) -> int:
        """Whether the ledger knows what became of a step."""
        return _count(self._connection, _RECORDED, case, step, step)

    def close(self) -> None:
        """Look no more."""
        self._connection.close()


def _count(connection: sqlite3.Connection, query: str, *names: str) -> int:
    return int(connection.execute(query, names).fetchone()[0])


def _copied(ledger: Path, beside: Path) -> sqlite3.Connection:
    copy = beside / "copy.sqlite"
    for ending in ("", "-wal"):
        source, target = Path(f"{ledger}{ending}"), Path(f"{copy}{ending}")
        target.unlink(missing_ok=True)
        if source.exists():
            shutil.copy(source, target)
    Path(f"{copy}-shm").unlink(missing_ok=True)
    return sqlite3.connect(copy)


def _step_of(kind: str, body: dict[str, dict[str, object]]) -> str:
    if kind in {"case_moved", "case_closed"}:
        return "close"
    named = body.get("step") or body.get("send") or {}
    return str(named.get("step", "reserve")).partition(":")[0]
