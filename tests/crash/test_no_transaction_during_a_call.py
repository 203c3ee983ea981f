"""Invariant 4: no database transaction is open while Stripe is asked."""

import pytest

from tests.crash.item_scenes import ALL_SCENES
from tests.crash.killing import Account
from tests.crash.scenes import Scene
from tests.crash.stops import Call
from tests.worlds import night


@pytest.mark.parametrize("scene", ALL_SCENES, ids=lambda scene: scene.name)
def test_no_transaction_is_open_during_a_call(scene: Scene) -> None:
    """Before and after each call to Stripe the ledger has nothing open; each write has its intent committed."""
    account = Account(scene)
    asked: list[str] = []

    def meet(call: Call, phase: str) -> None:
        account.happen(call, phase)
        if call.name.startswith("stripe.") or call.name == "clock.sleep":
            asked.append(call.name)
            assert not account.ledger.in_transaction, call.name
        if phase == "before" and call.name.startswith(("stripe.create_", "stripe.delete_")):
            step = call.name.rpartition(" ")[2].replace("stripe.delete_item", "delete_item:1")
            (case,) = [account.ledger.case(one) for one in account.ledger.live_cases()]
            assert case is not None
            assert any(one.name == step and one.sends for one in case.steps), f"{step} has no committed intent"

    night(account.program("first", meet))
    assert any(name.startswith("stripe.create_movement ") for name in asked)
