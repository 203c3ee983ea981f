"""Ledgers for the web process, and the events that came to stand in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from refund_worker.adapters.clock import SystemClock
from refund_worker.adapters.ledger.cluster_tables import events
from refund_worker.adapters.ledger.engine import Database
from refund_worker.adapters.ledger.gauges import SqlGauges
from refund_worker.adapters.ledger.opening import open_database
from refund_worker.adapters.ledger.queue import SqlQueue
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
        return received(self.database)


def received(database: Database) -> list[str]:
    """The ids of the events in a ledger's inbox, in order."""
    with database.reading() as connection:
        return list(connection.execute(select(events.c.id).order_by(events.c.id)).scalars())


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
