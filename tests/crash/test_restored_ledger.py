"""A ledger put back from an older copy, and people simply go on: the same money, no cent lost, none refunded twice."""

import pytest

from tests.crash.restoring import SCENES_RESTORED, Night
from tests.crash.scenes import Scene

SHARDS = 4  # so that two cores share a scene
SAMPLE = 37  # `make test` lives through every so-manieth world, `make deep` through all


def _judge(scene: Scene, *, shard: int, every: int) -> None:
    night = Night(scene)
    assert len(night.ledgers) >= 10, "a night that reserves and refunds changes its ledger more often"
    worlds = list(night.worlds())[shard::SHARDS][::every]
    assert worlds, "a night without an older ledger shows nothing"
    failures = [
        f"ledger {world.ledger} at {night.moments[world.moment].name} {night.moments[world.moment].phase} "
        f"({world.later_s} s later): {'; '.join(found)}"
        for world in worlds
        if (found := night.problems(world))
    ]
    assert not failures, f"{len(failures)} of {len(worlds)} worlds of {scene.name}:\n" + "\n".join(failures[:10])


@pytest.mark.parametrize("scene", SCENES_RESTORED, ids=lambda scene: scene.name)
def test_a_sample_of_the_copies_ends_with_the_same_money(scene: Scene) -> None:
    """A few of the pairs of a place to copy and a place to put back."""
    _judge(scene, shard=0, every=SAMPLE)


@pytest.mark.deep
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("scene", SCENES_RESTORED, ids=lambda scene: scene.name)
def test_every_copy_ends_with_the_same_money(scene: Scene, shard: int) -> None:
    """Every ledger that was, at every later place of the night, resumed at once, later, and a day later."""
    _judge(scene, shard=shard, every=1)
