"""A night unlike its past, and too little money in the Stripe balance, as a person at the command line meets them."""

import json
import time
from pathlib import Path

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.nights import Phase
from refund_worker.domain.notices import Notice, NoticeKind
from refund_worker.domain.policy import Policy
from refund_worker.domain.runs import Run, RunMode
from refund_worker.domain.unusual import Usual, Weight
from tests.e2e.places import LEDGER, Place

# The one customer's credit is 100.00 GBP.
_UNUSUAL = '[unusual]\ngbp = "1.00"\n'


def _with_policy(place: Place, content: str) -> Place:
    (place.directory / "policy.toml").write_text(content)
    return Place(
        directory=place.directory,
        sandbox=place.sandbox,
        environ=place.environ | {"REFUND_POLICY": str(place.directory / "policy.toml")},
    )


def _moved(place: Place) -> list[str]:
    """Every write that would move money."""
    return [
        entry.path
        for entry in place.sandbox.request_log
        if entry.method == "POST" and entry.path.endswith(("/refunds", "/balance_transactions"))
    ]


def test_an_unusual_run_ends_with_3_and_moves_nothing(full: Place) -> None:
    """One line says what is unusual and how to let it through; that is in the trail, which verifies."""
    used = _with_policy(full, _UNUSUAL)
    moved = _moved(used)
    ended = used.use_alone("run", "--json")
    assert ended.code == 3
    told = json.loads(ended.out)
    assert (told["status"], told["cases"], told["counts"]["examined"]) == ("stopped", [], 0)
    assert "of new credit; there is no earlier night to compare with, the limit 1.00 GBP" in ended.err
    assert "refund-worker run --unusual" in ended.err
    assert _moved(used) == moved
    through = used.use("run", "--unusual", "--json")
    assert (through.code, json.loads(through.out)["counts"]["refunded"]) == (0, 1)
    assert used.use("audit", "verify").code == 0
    assert "unusual" not in through.out


def test_a_plan_says_that_a_run_would_stop(full: Place) -> None:
    """And ends with 0, as plans do."""
    ended = _with_policy(full, _UNUSUAL).use("plan", "--json")
    assert ended.code == 0
    assert "a run would stop before its first case" in ended.err


def test_too_little_money_ends_with_3_and_moves_nothing(full: Place) -> None:
    """One line: the currency, what is there, what is needed, what was booked before. A plan says so at its end."""
    full.sandbox.control.funds("gbp", available=100)
    moved = _moved(full)
    ended = full.use_alone("run", "--json")
    assert ended.code == 3
    assert "not enough money in the Stripe balance in GBP: 1.00 GBP available, 0.00 GBP booked" in ended.err
    (case,) = json.loads(ended.out)["cases"]
    assert (case["outcome"], case["reason"]) == ("planned", "funds_insufficient")
    assert _moved(full) == moved
    planned = full.use("plan")
    assert planned.code == 0
    assert "a run would stop in GBP" in planned.err
    assert "in the Stripe balance" in planned.err
    full.sandbox.control.funds("gbp", available=None)
    assert full.use("run").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["let-through"], "nothing waits to be let through"),
        (["let-through", "--reason", "x" * 301], "--reason must say why"),
        (["let-through", "--by", " "], "--by must name a person, in 100 characters at most"),
        (["halt", "--reason", "odd", "--by", ""], "--by must name a person"),
        (["unhalt", "--by", "x" * 101], "--by must name a person"),
        (["run", "--unusual", "--customer", "cus_1"], "--unusual is for a run over all customers"),
        (["run", "--unusual", "--queue", "--customer", "cus_1"], "--unusual is for a run over all customers"),
    ],
)
def test_wrong_use_is_one_line(place: Place, arguments: list[str], said: str) -> None:
    """Exit code 2."""
    place.use("plan")
    ended = place.use(*arguments)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert said in ended.err


def test_let_through_says_what_goes_on(place: Place) -> None:
    """The name of the run, who lets it through, and by what it is unusual; doctor shows the same before."""
    place.use("plan")
    _wait(place.directory / LEDGER)
    checked = place.use("doctor").out
    figures = "1001 customers with new credit; there is no earlier night to compare with, the limit 1000"
    assert f"night 2026-11-22: unlike the past nights: {figures}; `refund-worker let-through` lets" in checked
    ended = place.use("let-through", "--reason", "new prices", "--by", "Kim")
    assert ended.code == 0
    assert ended.out.startswith("night 2026-11-22 is let through by Kim: new prices")
    assert figures in ended.out
    assert place.use("let-through").code == 2
    assert place.use("audit", "verify").code == 0


def _wait(path: Path) -> None:
    """Let a night of the workers wait."""
    ledger = SqlLedger.open(f"sqlite:///{path}")
    now = int(time.time())
    known = ledger.newest_run()
    assert known is not None
    policy = Policy()
    run = Run(
        id="run_n",
        account=known.account,
        livemode=known.livemode,
        command="night",
        mode=RunMode.RUN,
        sweep=True,
        policy_digest=policy.digest(),
        started_at=now,
    )
    ledger.queue.open_shared(run, name="night 2026-11-22", phase=Phase.DISCOVERING, policy=policy)
    weighing = Usual(past=(), policy=policy).weigh(Weight(customers=1_001))
    notice = Notice(key="unusual run_n", kind=NoticeKind.NIGHT_UNUSUAL, title="The night waits", body="")
    assert weighing.unusual
    assert ledger.queue.weigh_shared("run_n", weighing=weighing, available_minor=None, notice=notice, now=now)
    ledger.close()
