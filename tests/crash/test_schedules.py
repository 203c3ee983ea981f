"""Random schedules with a moving world; a failing one is replayed with `python -m tests.crash SEED`."""

import pytest

from tests.crash.schedules import Schedule

DEEP = 2_000
SAMPLE = 28
SHARDS = 20


def _judge(seeds: range) -> None:
    for seed in seeds:
        schedule = Schedule(seed)
        found = schedule.live()
        assert not found, f"seed {seed}: {found}\n" + "\n".join(schedule.story[-60:])


@pytest.mark.parametrize("shard", range(4))
def test_a_sample_of_random_schedules_loses_nothing(shard: int) -> None:
    """No double refund, no lost cent, nothing stuck; judged from the sandbox's books."""
    _judge(range(shard, SAMPLE, 4))


@pytest.mark.deep
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_random_schedules_lose_nothing(shard: int) -> None:
    """Two thousand of them."""
    _judge(range(shard, DEEP, SHARDS))
