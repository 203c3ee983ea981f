"""Invariant 7 for conversions: the process is killed and the ledger deleted at any place; whoever comes next mends it.

Also where the credit is on the balance and the items still exist: no cash leaves before that is settled, and a new
ledger needs no `recover` for it.
"""

import pytest

from refund_worker.adapters.ledger import SqlLedger
from tests.crash.item_scenes import ITEM_SCENES
from tests.crash.killing import HOUR_S, Account, judged, places
from tests.crash.scenes import Scene
from tests.crash.stops import Call, Killed
from tests.worlds import night, recovered

SAMPLE = 31  # `make test` lives through every so-manieth world, `make deep` through all


def _problems(scene: Scene, number: int, at_phase: str) -> list[str]:
    account, met = Account(scene), list[Call]()

    def meet(call: Call, phase: str) -> None:
        account.happen(call, phase)
        if not met and (call.number, phase) == (number, at_phase):
            met.append(call)
            account.gone.add("first")
            raise Killed

    with pytest.raises(Killed):
        night(account.program("first", meet))
    account.ledger = SqlLedger.open("sqlite://")
    night(account.program("again"))
    for later in range(3):
        account.sandbox.clock.advance(25 * HOUR_S)
        recovered(account.program(f"recover{later}"))
        night(account.program(f"later{later}"))
    return judged(scene, account)


def _judge(scene: Scene, *, every: int) -> None:
    some = [(call, phase) for call, phase in places(scene) if phase != "lost"][::every]
    assert some, "a scene without a place to lose the ledger shows nothing"
    failures = [
        f"{call.name} {phase}: {'; '.join(found)}"
        for call, phase in some
        if (found := _problems(scene, call.number, phase))
    ]
    assert not failures, f"{len(failures)} of {len(some)} worlds of {scene.name}:\n" + "\n".join(failures[:10])


@pytest.mark.parametrize("scene", ITEM_SCENES, ids=lambda scene: scene.name)
def test_a_ledger_lost_in_a_sample_of_places_loses_nothing(scene: Scene) -> None:
    """Between each two of the steps: a sample of them."""
    _judge(scene, every=SAMPLE)


@pytest.mark.deep
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("scene", ITEM_SCENES, ids=lambda scene: scene.name)
def test_a_ledger_lost_anywhere_loses_nothing(scene: Scene) -> None:
    """Every place."""
    _judge(scene, every=1)
