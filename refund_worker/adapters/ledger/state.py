"""What `doctor` asks of a ledger: which one it is, whose, how far its trail goes, and how much room there is."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, text

from refund_worker.adapters.ledger.migrations import NEWEST
from refund_worker.adapters.ledger.opening import open_database
from refund_worker.adapters.ledger.tables import audit_head, bindings
from refund_worker.domain.errors import LedgerError


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerReport:
    """A ledger that can be used.

    Attributes:
        where: For people; holds no password.
        account: What it is bound to; None where it is not bound yet.
        head: Sequence and hash of the newest audit entry, as `audit verify --head` takes them.
        free_bytes: Left on the disk of a file; None where only the server knows.
        used_bytes: What a server's database takes; None for a file.
    """

    where: str
    kind: str
    version: str
    account: str | None
    livemode: bool | None
    head: str | None
    free_bytes: int | None
    used_bytes: int | None


def ledger_report(url: str) -> LedgerReport:
    """Look at the ledger of an address; creates nothing. Raises LedgerError."""
    database = open_database(url, create=False)
    try:
        with database.reading() as connection:
            server = connection.dialect.name == "postgresql"
            bound = connection.execute(select(bindings.c.account, bindings.c.livemode)).one_or_none()
            head = connection.execute(select(audit_head.c.sequence, audit_head.c.hash)).one_or_none()
            used = (
                connection.execute(select(func.pg_database_size(text("current_database()")))).scalar()
                if server
                else None
            )
        return LedgerReport(
            where=database.where,
            kind="PostgreSQL" if server else "SQLite",
            version=NEWEST,
            account=None if bound is None else bound.account,
            livemode=None if bound is None else bool(bound.livemode),
            head=None if head is None else f"{head.sequence}:{head.hash}",
            free_bytes=None if server else _free(database.where),
            used_bytes=used,
        )
    finally:
        database.close()


def _free(path: str) -> int:
    try:
        return shutil.disk_usage(Path(path).resolve().parent).free
    except OSError as error:
        raise LedgerError(f"the disk of the ledger {path} cannot be asked: {error.strerror}") from None
