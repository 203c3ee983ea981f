"""Ledgers for the web process, and the events that came to stand in them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from refund_worker.adapters.clock import SystemClock
from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.ledger.cluster_tables import events
from refund_worker.adapters.ledger.engine import Database
from refund_worker.adapters.ledger.gauges import SqlGauges
from refund_worker.adapters.ledger.opening import open_database
from refund_worker.adapters.ledger.queue import SqlQueue
from refund_worker.domain.facts import Account
from refund_worker.entrypoints.web import WebParts, create_app
from tests.web.asking import Asked, running
from tests.web.deliveries import SECRET


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A running application on a ledger."""

    asked: Asked
    database: Database

    @property
    def received(self) -> list[str]:
        """The ids of the events in the inbox, in order."""
        return [row["id"] for row in self.rows]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of the inbox, in the order of their ids."""
        return received(self.database)


def received(database: Database) -> list[dict[str, Any]]:
    """The rows of a ledger's inbox, in the order of their ids."""
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(select(events).order_by(events.c.id)).mappings()]


def bind(url: str, account: Account) -> None:
    """Bind a ledger to an account, as the first run does."""
    with closing(SqlLedger.open(url)) as ledger:
        ledger.bind(account, now=1)


@contextmanager
def web(url: str, **parts: Any) -> Iterator[Web]:
    """The application on the ledger of an address; `parts` are those of `WebParts` that differ."""
    database = open_database(url)
    try:
        usual: dict[str, Any] = {
            "queue": SqlQueue(database),
            "gauges": SqlGauges(database),
            "clock": SystemClock(),
            "webhook_secrets": (SECRET,),
        }
        with running(create_app(WebParts(**(usual | parts)))) as asked:
            yield Web(asked=asked, database=database)
    finally:
        database.close()


def file_url(directory: Path) -> str:
    """The address of a SQLite ledger in a directory."""
    return f"sqlite:///{directory}/ledger.sqlite"
