"""A small `make chaos`: real workers on real servers, real kill -9, the same judge."""

from pathlib import Path

import pytest

from tests.chaos.__main__ import table
from tests.chaos.restored import WAYS, Way, restored
from tests.chaos.story import Chaos, live_through

KILLS = 12
FAULTS = (
    "webhooks_faulty", "stripe_fails", "redis_flushed", "messages_doubled", "redis_killed", "webhooks_spoilt",
    "postgres_killed", "messages_lost", "web_killed", "night_asked_for", "a_day_passes",
)  # fmt: skip


def chaos() -> Chaos:
    """A small one: every kind of server fails once, and a day passes."""
    return Chaos(
        kills=KILLS, seed=1, workers=(2, 1), customers=60, in_hand=8, seconds_max=60, kill_pause_s=0.05,
        faults=FAULTS, fault_pause_s=0.2, fault_seconds=(0.2, 0.6),
    )  # fmt: skip


@pytest.mark.deep
@pytest.mark.timing
@pytest.mark.timeout(600)
def test_killed_workers_and_failing_servers_lose_double_and_block_nothing(tmp_path: Path) -> None:
    """Invariant 6 for the cluster: two deployments on one account, judged from the sandbox's books."""
    said: list[str] = []
    told = live_through(chaos(), directory=tmp_path, say=said.append)
    shown = "\n".join([*said, table(told)])
    assert told.verdict.ok, shown
    assert told.tally.total >= KILLS, shown
    assert told.killer.inside > 0, "no kill fell into a money call: " + shown
    assert set(told.faults) == {*FAULTS}, shown
    assert told.verdict.refunds > 0, "without refunds it shows nothing: " + shown


@pytest.mark.deep
@pytest.mark.timing
@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", WAYS)
def test_a_database_put_back_from_an_older_copy_loses_and_doubles_nothing(way: Way, tmp_path: Path) -> None:
    """As the manual says, and as people do."""
    said: list[str] = []
    verdict = restored(way, seed=1, directory=tmp_path, say=said.append, scale=0.5)
    assert verdict.ok, "\n".join([*said, str(verdict)])
    assert verdict.refunds > 0
