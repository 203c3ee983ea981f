"""A ledger that fails, hangs or trips: no event is answered 200 that is not committed, and nothing piles up."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text

from deploy.local import PostgresServer
from refund_worker.adapters.clock import SystemClock
from refund_worker.adapters.ledger import upgrade
from refund_worker.adapters.ledger.opening import open_database
from refund_worker.adapters.ledger.queue import SqlQueue
from refund_worker.domain.events import Event, EventSource
from refund_worker.entrypoints.web import committer, health, metrics
from tests.web.asking import Answer
from tests.web.deliveries import body_of, event, signature
from tests.web.ledgers import Web, file_url, web


class Gated(SqlQueue):
    """A queue whose commits wait for a gate, and trip over events named so."""

    def __init__(self, url: str) -> None:
        self.database = open_database(url)
        super().__init__(self.database)
        self.gate = threading.Event()
        self.batches: list[int] = []

    def receive(self, events_received: Sequence[Event], *, source: EventSource, now: int) -> int:
        """Commit once the gate is open."""
        self.gate.wait(20)
        self.batches.append(len(events_received))
        if any("bug" in event.id for event in events_received):
            raise ZeroDivisionError
        return super().receive(events_received, source=source, now=now)


@contextmanager
def gated(url: str) -> Iterator[tuple[Web, Gated]]:
    """The application on a queue behind a gate."""
    queue = Gated(url)
    try:
        with web(url, queue=queue) as shop:
            yield shop, queue
            queue.gate.set()
    finally:
        queue.database.close()


def deliver(shop: Web, event_id: str) -> Answer:
    """Deliver one event."""
    body = body_of(event(event_id))
    return shop.asked.post(body, signature(body))


def deliver_at_once(shop: Web, names: Sequence[str], *, then: threading.Event) -> list[int]:
    """Deliver all of them at the same time, open the gate, and return how each was answered."""
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        answers = [pool.submit(deliver, shop, name) for name in names]
        time.sleep(0.3)
        then.set()
        return [answer.result().status for answer in answers]


def test_what_waits_is_committed_together(tmp_path: Path) -> None:
    """While one commit goes on the next events gather, and share theirs."""
    names = [f"evt_{number}" for number in range(20)]
    with gated(file_url(tmp_path)) as (shop, queue):
        assert deliver_at_once(shop, names, then=queue.gate) == [200] * 20
        assert sum(queue.batches) == 20
        assert len(queue.batches) <= 4
        assert shop.received == sorted(names)


def test_one_event_that_trips_keeps_back_no_other(tmp_path: Path) -> None:
    """It alone is answered 503, and the log names it."""
    names = ["evt_1", "evt_bug", "evt_2", "evt_3"]
    with gated(file_url(tmp_path)) as (shop, queue), structlog.testing.capture_logs() as logged:
        assert deliver_at_once(shop, names, then=queue.gate) == [200, 503, 200, 200]
        assert shop.received == ["evt_1", "evt_2", "evt_3"]
    assert [line["event_id"] for line in logged if line["event"] == "webhook_not_committed"] == ["evt_bug"]


def test_a_ledger_that_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits is answered 503 in time, what is too much at once; the process answers probes all the while."""
    monkeypatch.setattr(committer, "ANSWER_WITHIN_S", 0.5)
    monkeypatch.setattr(committer, "WAITING_MAX", 10)
    names = [f"evt_{number}" for number in range(30)]
    with gated(file_url(tmp_path)) as (shop, queue):
        begun = time.monotonic()
        assert set(deliver_at_once(shop, names, then=threading.Event())) == {503}
        assert time.monotonic() - begun < 3
        assert shop.asked.ask("GET", "/healthz").status == 200
        assert shop.received == []
        queue.gate.set()
        time.sleep(0.3)
        assert len(shop.received) <= 20  # ten in hand at most, and ten that waited: the others were refused at once
        # What was taken before may be committed after all: Stripe sends it again, and it stands once.
        for name in names:
            _send_until_kept(shop, name)
        assert shop.received == sorted(names)


def test_what_waits_at_the_end_is_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is asked to end commits and answers what it took, be it several batches, and takes no more."""
    monkeypatch.setattr(committer, "BATCH_MAX", 1)
    queue = Gated(file_url(tmp_path))

    async def ended() -> list[BaseException | None]:
        ending = committer.Committer(queue, clock=SystemClock())
        ending.start()
        taken = [asyncio.create_task(ending.commit(an_event(number))) for number in (1, 2, 3)]
        await asyncio.sleep(0.1)
        threading.Timer(0.2, queue.gate.set).start()
        await asyncio.to_thread(ending.stop)
        late = asyncio.create_task(ending.commit(an_event(4)))
        return await asyncio.gather(*taken, late, return_exceptions=True)

    *answers, late = asyncio.run(ended())
    assert (answers, type(late)) == ([None] * 3, committer.NotCommitted)
    assert [event.id for event in queue.unabsorbed(limit=9)] == ["evt_1", "evt_2", "evt_3"]
    queue.database.close()


def an_event(number: int) -> Event:
    """What is kept of one."""
    return Event(id=f"evt_{number}", type="invoice.paid", created=1, customer="cus_1")


def test_a_process_that_cannot_commit_any_more_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the thread to end by a bug, the platform must start the process anew."""
    monkeypatch.setattr(committer.Committer, "_work", lambda _self: None)
    with web(file_url(tmp_path)) as shop:
        assert shop.asked.ask("GET", "/healthz").status == 503


def test_the_database_freezes_goes_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 in time while PostgreSQL hangs or is gone, 200 with the same events afterwards, no restart of ours."""
    monkeypatch.setattr(committer, "ANSWER_WITHIN_S", 0.5)
    monkeypatch.setattr(health, "WITHIN_S", 0.5)
    monkeypatch.setattr(metrics, "WITHIN_S", 0.5)
    with PostgresServer(durable=False) as server:
        upgrade(server.url)
        with web(server.url) as shop, structlog.testing.capture_logs() as logged:
            assert deliver(shop, "evt_1").status == 200
            _wait_for(shop, 200)
            server.freeze()
            _check_unavailable(shop)
            server.thaw()
            _send_until_kept(shop, "evt_2")
            server.kill()
            _check_unavailable(shop)
            server.start()
            assert [deliver(shop, f"evt_{number}").status for number in (2, 3, 4)] == [200, 200, 200]
            _wait_for(shop, 200)
            assert shop.received == ["evt_1", "evt_2", "evt_3", "evt_4"]
        told = [line["event"] for line in logged if line["event"].startswith("webhooks_")]
        assert told[-2:] == ["webhooks_not_committed", "webhooks_committed_again"]
        assert not [line for line in logged if server.url.split("@")[0].removeprefix("postgresql://") in str(line)]


def _check_unavailable(shop: Web) -> None:
    """Webhooks, probes and scrapes end in time; the process lives."""
    begun = time.monotonic()
    assert [deliver(shop, f"evt_{number}").status for number in (2, 3, 4)] == [503, 503, 503]
    _wait_for(shop, 503)
    assert '"database":"failed"' in shop.asked.ask("GET", "/readyz").text
    scraped = shop.asked.ask("GET", "/metrics")
    assert (scraped.status, 'refund_worker_ready{check="database"} 0.0' in scraped.text) == (200, True)
    assert "refund_worker_halted" not in scraped.text
    assert shop.asked.ask("GET", "/healthz").status == 200
    assert time.monotonic() - begun < 10


def test_tables_of_another_version(tmp_path: Path) -> None:
    """The database answers, but a later version has migrated it: not ready, and the name says why."""
    with web(file_url(tmp_path)) as shop:
        with shop.database.writing() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        answer = shop.asked.ask("GET", "/readyz")
        assert (answer.status, '"database":"ok","migrations":"failed"' in answer.text) == (503, True)


def _send_until_kept(shop: Web, event_id: str) -> None:
    """As Stripe does, only sooner."""
    deadline = time.monotonic() + 10
    while deliver(shop, event_id).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _wait_for(shop: Web, status: int) -> None:
    """Until /readyz, whose answer is a second old at most, answers so."""
    deadline = time.monotonic() + 10
    while shop.asked.ask("GET", "/readyz").status != status:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_look_is_one_thread(tmp_path: Path) -> None:
    """However many ask, and however long it takes."""
    asked: list[float] = []

    class Slow:
        def state(self) -> None:
            asked.append(time.monotonic())
            time.sleep(0.5)
            raise TimeoutError

    with web(file_url(tmp_path), gauges=Slow()) as shop:

        async def many() -> list[Answer]:
            return await asyncio.gather(*(shop.asked.asking("GET", "/readyz") for _ in range(20)))

        found = asyncio.run_coroutine_threadsafe(many(), shop.asked.loop).result(10)
    assert {answer.status for answer in found} == {503}
    assert len(asked) == 1
