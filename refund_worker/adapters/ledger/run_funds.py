"""The money in the Stripe balance as a shared run knows it: read now and then, booked case by case."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from refund_worker.adapters.ledger.cluster_tables import run_funds, shared_runs
from refund_worker.adapters.ledger.on_database import OnDatabase
from refund_worker.domain.funds import Shortage, fits

_OF = (run_funds.c.run == bindparam("of_run"), run_funds.c.currency == bindparam("of_currency"))
_FUNDS = select(run_funds).where(*_OF)
_CHANGE = update(run_funds).where(*_OF)
_SHORTAGES = (
    select(run_funds)
    .where(run_funds.c.run == bindparam("of_run"), run_funds.c.short_minor.is_not(None))
    .order_by(run_funds.c.currency)
)
_FORGET = delete(run_funds).where(run_funds.c.run == bindparam("of_run"))
_INSERT = insert(run_funds)
_READ_AT = select(shared_runs.c.funds_read_at).where(shared_runs.c.run == bindparam("of_run"))
_MARK = update(shared_runs).where(shared_runs.c.run == bindparam("of_run"))


class FundRows(OnDatabase):
    """The funds' part of the queue."""

    def keep_funds(self, run: str, *, available_minor: Mapping[str, int] | None, now: int) -> None:
        """Keep what is available to a run; see the port."""
        with self._database.writing() as connection:
            write_funds(connection, run, available_minor=available_minor, now=now)

    def funds_read_at(self, run: str) -> int | None:
        """When the funds were last read for a run; None = never."""
        with self._database.glancing() as connection:
            at: int | None = connection.execute(_READ_AT, {"of_run": run}).scalar()
            return at

    def shortages(self, run: str) -> tuple[Shortage, ...]:
        """The currencies in which a case of the run did not fit."""
        with self._database.glancing() as connection:
            return tuple(
                Shortage(
                    currency=row.currency,
                    available=row.available_minor,
                    booked=row.booked_minor,
                    needed=row.short_minor,
                )
                for row in connection.execute(_SHORTAGES, {"of_run": run})
            )


def write_funds(connection: Connection, run: str, *, available_minor: Mapping[str, int] | None, now: int) -> None:
    """Keep in the open write transaction what is available; what was booked of the last reading is forgotten."""
    connection.execute(_MARK, {"of_run": run, "funds_read_at": now})
    if available_minor is None:
        return
    connection.execute(_FORGET, {"of_run": run})
    rows = [
        {"run": run, "currency": currency, "available_minor": minor, "booked_minor": 0, "short_minor": None}
        for currency, minor in sorted(available_minor.items())
    ]
    if rows:
        connection.execute(_INSERT, rows)


def book_funds(connection: Connection, run: str, *, currency: str, planned_minor: int) -> bool:
    """Book a planned sum in the open write transaction, under the lock of the run's row.

    Returns:
        False where it does not fit, or one before it did not. A currency of which nothing is known has no bounds:
        Stripe pays refunds in it out of another one, and refuses by itself.
    """
    row = connection.execute(_FUNDS, {"of_run": run, "of_currency": currency}).one_or_none()
    if row is None:
        return True
    changed: dict[str, Any] = {"of_run": run, "of_currency": currency}
    if row.short_minor is not None:
        return False
    if not fits(available_minor=row.available_minor, booked_minor=row.booked_minor, needed_minor=planned_minor):
        connection.execute(_CHANGE, changed | {"short_minor": planned_minor})
        return False
    connection.execute(_CHANGE, changed | {"booked_minor": row.booked_minor + planned_minor})
    return True
