"""Leases by name, halts and counters: implements a part of `ports.Coordination`."""

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, or_, select

from refund_worker.adapters.ledger import chain
from refund_worker.adapters.ledger.cluster_tables import counters, halts, leases
from refund_worker.adapters.ledger.on_database import OnDatabase
from refund_worker.adapters.ledger.upserts import inserting
from refund_worker.domain.halts import Halt

_DROP = delete(leases).where(leases.c.name == bindparam("of_name"), leases.c.holder == bindparam("of_holder"))
_HALT = select(halts.c.reason, halts.c.halted_by, halts.c.halted_at)
_UNHALT = delete(halts)
_COUNTS = select(counters.c.name, counters.c.labels, counters.c.count)


class LeaseRows(OnDatabase):
    """Leases by name."""

    def take_lease(self, name: str, *, holder: str, now: int, lease_s: int) -> bool:
        """Take or renew a lease; False where another holder has it.

        Times are those of the workers' own clocks, which may differ by seconds: a lease is taken that much too early
        at worst. So a lease spares work that would be done twice and must last many times longer than the clocks
        differ; what must never happen twice is kept apart by a fence or a unique key.
        """
        with self._database.writing() as connection:
            insert = inserting(connection, leases)
            new = insert.excluded
            taken = connection.execute(
                insert.on_conflict_do_update(
                    index_elements=[leases.c.name],
                    set_={"holder": new.holder, "lease_until": new.lease_until},
                    where=or_(leases.c.holder == new.holder, leases.c.lease_until <= now),
                ),
                {"name": name, "holder": holder, "lease_until": now + lease_s},
            )
            return taken.rowcount == 1

    def drop_lease(self, name: str, *, holder: str) -> None:
        """Give a lease back; nothing where another has it."""
        with self._database.writing() as connection:
            connection.execute(_DROP, {"of_name": name, "of_holder": holder})


class HaltRows(OnDatabase):
    """The halt that stands. Its begin and its end are in the audit trail, in the transaction of the row."""

    def halt(self, *, reason: str, by: str, now: int) -> bool:
        """Halt all money steps; False where a halt stands already (it is kept)."""
        facts = {"reason": reason, "halted_by": by, "halted_at": now}
        with self._database.writing() as connection:
            insert = inserting(connection, halts).on_conflict_do_nothing(index_elements=[halts.c.id])
            if connection.execute(insert, {"id": 1, **facts}).rowcount != 1:
                return False
            chain.append(connection, [chain.Entry(at=now, kind="halted", body={"halt": facts})])
            return True

    def unhalt(self, *, by: str, now: int) -> bool:
        """End the halt; False where none stands."""
        with self._database.writing() as connection:
            if connection.execute(_UNHALT).rowcount != 1:
                return False
            body = {"halt": {"ended_by": by, "ended_at": now}}
            chain.append(connection, [chain.Entry(at=now, kind="unhalted", body=body)])
            return True

    def halted(self) -> Halt | None:
        """The halt that stands."""
        with self._database.glancing() as connection:
            row = connection.execute(_HALT).one_or_none()
            return None if row is None else Halt(reason=row.reason, by=row.halted_by, at=row.halted_at)


class CounterRows(OnDatabase):
    """Counters that all workers add to."""

    def add_counts(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to counters; see the port."""
        if not counts:
            return
        rows = [{"name": name, "labels": labels, "count": counts[name, labels]} for name, labels in sorted(counts)]
        with self._database.writing() as connection:
            insert = inserting(connection, counters)
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=[counters.c.name, counters.c.labels],
                    set_={"count": counters.c["count"] + insert.excluded["count"]},
                ),
                rows,
            )

    def counts(self) -> Mapping[tuple[str, str], int]:
        """All counters."""
        with self._database.reading() as connection:
            return {(name, labels): count for name, labels, count in connection.execute(_COUNTS)}
