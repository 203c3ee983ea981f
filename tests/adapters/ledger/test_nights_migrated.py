"""A ledger of version 0003 with nights in it, on both databases: version 0004 keeps every row and goes on with them."""

import pytest
from alembic import command
from sqlalchemy import create_engine

from refund_worker.adapters.ledger import SqlLedger, upgrade
from refund_worker.adapters.ledger.schema import _config
from refund_worker.domain.nights import Phase

_ROWS = (
    "INSERT INTO policies (digest, policy) VALUES ('d', '{}')",
    (
        "INSERT INTO runs"
        " (id, position, account, livemode, command, mode, sweep, policy_digest, started_at, status, summary) VALUES"
        " ('run_1', 1, 'acct_1', {no}, 'night', 'run', {no}, 'd', 5, 'running', '{{}}'),"
        " ('run_2', 2, 'acct_1', {no}, 'events', 'run', {no}, 'd', 6, 'running', '{{}}')"
    ),
    (
        "INSERT INTO shared_runs (run, name, phase, cursor, customers_read, missed, stopped_by, stop, failures, cases)"
        " VALUES ('run_1', 'night 2026-11-22', 'working', 'cus_9', 7, 1, 'enough', 'limit', 2, 3),"
        " ('run_2', 'events 2026-11-22', 'working', NULL, 0, 0, NULL, NULL, 0, 1)"
    ),
    "INSERT INTO run_sums (run, currency, planned_minor) VALUES ('run_1', 'usd', 500), ('run_2', 'eur', 7)",
    (
        "INSERT INTO queue (customer, cause, due_at, run, requested, attempts, fence) VALUES"
        " ('cus_1', 'night', 5, 'run_1', 1, 0, 1), ('cus_2', 'event', 5, NULL, 1, 0, 1)"
    ),
)


@pytest.mark.parametrize("address", ["file_url", "empty_postgres_url"])
def test_nights_of_the_version_before_go_on(request: pytest.FixtureRequest, address: str) -> None:
    """Their phases, stops and sums; and a night may wait from now on."""
    url = request.getfixturevalue(address)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        no = "0" if connection.dialect.name == "sqlite" else "false"
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for statement in _ROWS:
            connection.exec_driver_sql(statement.format(no=no) if "{no}" in statement else statement)
    engine.dispose()
    upgrade(url)
    ledger = SqlLedger.open(url)
    night = ledger.queue.shared_of("run_1")
    assert night is not None
    assert (night.phase, night.cursor, night.customers_read, night.missed) == (Phase.WORKING, "cus_9", 7, 1)
    assert (night.stopped_by, night.stop) == ("enough", "limit")
    assert ledger.queue.booked("run_1", currency="usd").credit_minor == {"usd": 500}
    assert ledger.queue.booked("run_2", currency="eur").customers == 1
    assert ledger.queue.left_of("run_1") == 1
    claims = ledger.queue.claim_wanted(worker="w", now=9, lease_s=9, limit=9)
    assert sorted(claim.wanted.customer for claim in claims) == ["cus_1", "cus_2"]
    ledger.queue.progress("run_2", phase=Phase.WAITING)
    assert [shared.phase for shared in ledger.queue.open_runs()] == [Phase.WORKING, Phase.WAITING]
    ledger.close()
