"""A halt between any two calls: nothing begins, what was begun ends, and afterwards the money is right."""

import pytest

from tests.crash.halting import haltings_of, problems
from tests.crash.item_scenes import ALL_SCENES
from tests.crash.scenes import Scene

SAMPLE = 61  # `make test` lives through every so-manieth world, `make check` through all

each_scene = pytest.mark.parametrize("scene", ALL_SCENES, ids=lambda scene: scene.name)


def _judge(scene: Scene, *, every: int) -> None:
    haltings = list(haltings_of(scene))[::every]
    assert haltings, "a scene without a place to halt shows nothing"
    failures = [f"{one}: {'; '.join(found)}" for one in haltings if (found := problems(scene, one))]
    assert not failures, f"{len(failures)} of {len(haltings)} worlds of {scene.name}:\n" + "\n".join(failures[:10])


@each_scene
def test_a_halt_in_a_sample_of_places_begins_nothing_and_strands_nobody(scene: Scene) -> None:
    """Some places and fates; the deep test lives through them all."""
    _judge(scene, every=SAMPLE)


@pytest.mark.deep
@pytest.mark.timeout(1_800)
@each_scene
def test_a_halt_anywhere_begins_nothing_and_strands_nobody(scene: Scene) -> None:
    """Every place x fate."""
    _judge(scene, every=1)


@pytest.mark.deep
def test_there_are_at_least_1500_places_to_halt() -> None:
    """The table is as large as it is said to be."""
    assert sum(len(list(haltings_of(scene))) for scene in ALL_SCENES) >= 1_500
