"""Invariant 6: killed or paused anywhere, answer lost or not, keys pruned or not: the same money, one trail."""

import pytest

from tests.crash.item_scenes import ALL_SCENES
from tests.crash.killing import problems, stops_of
from tests.crash.scenes import Scene

SHARDS = 4  # so that two cores share a scene
SAMPLE = 17  # `make test` lives through every so-manieth world, `make check` through all


def _judge(scene: Scene, *, shard: int, every: int) -> None:
    stops = list(stops_of(scene))[shard::SHARDS][::every]
    assert stops, "a scene without a place to stop shows nothing"
    failures = [f"{stop}: {'; '.join(found)}" for stop in stops if (found := problems(scene, stop))]
    assert not failures, f"{len(failures)} of {len(stops)} worlds of {scene.name}:\n" + "\n".join(failures[:10])


@pytest.mark.parametrize("scene", ALL_SCENES, ids=lambda scene: scene.name)
def test_a_sample_of_the_worlds_ends_with_the_same_money_and_one_trail(scene: Scene) -> None:
    """Some places of one shard; the deep test lives through them all."""
    _judge(scene, shard=0, every=SAMPLE)


@pytest.mark.deep
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("scene", ALL_SCENES, ids=lambda scene: scene.name)
def test_every_world_ends_with_the_same_money_and_one_trail(scene: Scene, shard: int) -> None:
    """Every crash point x outcome x step."""
    _judge(scene, shard=shard, every=1)


@pytest.mark.deep
def test_there_are_at_least_3000_worlds() -> None:
    """The table is as large as it is said to be."""
    assert sum(len(list(stops_of(scene))) for scene in ALL_SCENES) >= 3_000
