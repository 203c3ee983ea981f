"""What stops a case, and what stops a run: refusals, missing funds and permissions, limits, signals."""

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import Outcome
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason
from refund_worker.domain.runs import RunMode, RunStatus
from refund_worker.entrypoints.exits import Exit, exit_of_run
from refund_worker.sandbox import Fault, Sandbox
from refund_worker.usecases.run_gate import RunGate
from refund_worker.usecases.run_night import RunResult, run_night
from refund_worker.usecases.world import World
from tests.crash.scenes import DAY_S, cancel, dispute_newest, refund_by_hand, subscribed
from tests.usecases.stage import REFUND, REFUNDS, RESERVE, Stage, at
from tests.worlds import Silence, make_world, night


def test_a_disputed_charge_is_passed_over_and_the_next_one_takes_its_part() -> None:
    """Newest first among those that are left; what no charge can take is given back."""
    stage = Stage.of("three_charges")
    night(stage.world(meet=at(RESERVE, "before", lambda: dispute_newest(stage.sandbox))))
    tried = [(step.target, str(step.state)) for step in stage.case.steps if step.kind == "refund"]
    oldest, middle, newest = (charge.charge for charge in stage.book.charges)
    assert tried == [(newest, "refused"), (middle, "accepted"), (oldest, "accepted")]
    assert (stage.case.outcome, stage.case.reason) == (Outcome.PARTLY_REFUNDED, Reason.CHARGES_EXHAUSTED)
    stage.check_at_rest(balance=-6_998, refunded=20_000)


@pytest.mark.parametrize("amount", [5_001, 6_000, 10_000])
def test_less_left_on_a_charge_than_its_before_image_stops_the_case(amount: int) -> None:
    """Rule CHANGED_CHARGE_STOPS_THE_CASE: somebody is refunding by hand; no other charge is tried."""
    stage = Stage.of("one_charge")
    night(stage.world(meet=at(RESERVE, "before", lambda: refund_by_hand(stage.sandbox, amount))))
    assert (stage.case.outcome, stage.case.reason) == (Outcome.SKIPPED, Reason.CHARGE_CHANGED)
    stage.check_at_rest(balance=-5_000, refunded=amount)


def test_a_changed_charge_stops_before_older_charges_are_tried() -> None:
    """The older two would take it all."""
    stage = Stage.of("three_charges")
    night(stage.world(meet=at(RESERVE, "before", lambda: refund_by_hand(stage.sandbox, 1))))
    assert [step.name for step in stage.case.steps] == ["reserve", "refund:1", "give_back:1"]
    assert stage.case.reason is Reason.CHARGE_CHANGED
    stage.check_at_rest(balance=-26_998, refunded=1)


def _population(count: int) -> Sandbox:
    """Customers who each have a credit of 50.00 over one charge."""
    sandbox = Sandbox(seed=7, renewals=False)
    subscriptions = [subscribed(sandbox)[1] for _ in range(count)]
    sandbox.clock.advance(15 * DAY_S)
    for subscription in subscriptions:
        cancel(sandbox, subscription)
    return sandbox


def _outcomes(result: RunResult) -> list[tuple[str, str | None]]:
    return [(str(case.outcome), None if case.reason is None else str(case.reason)) for case in result.cases]


def _money(sandbox: Sandbox) -> list[tuple[int, int]]:
    """Balance and refunded per customer, those who were begun first first."""
    return sorted((book.balance, book.refunded) for book in sandbox.books())


@pytest.mark.parametrize("few", ["disputes", "subscriptions"])
def test_a_permission_to_read_that_few_customers_need_costs_the_others_nothing(few: str) -> None:
    """A key from before: whose charge is disputed, or who has pending items, is failed; the line names what is missing.

    Exit code 2 all the same. Where ten in a row need it the run stops, as it does for any ten failures.
    """
    sandbox = _population(4)
    _, subscription = subscribed(sandbox)
    if few == "disputes":
        dispute_newest(sandbox)
    sandbox.delete(f"/v1/subscriptions/{subscription}", {"prorate": True, "invoice_now": few == "disputes"})
    path = f"/v1/{few}"
    sandbox.faults.add(Fault(kind="forbidden", method="GET", path=path, times=0))

    result = night(make_world(sandbox))

    assert sorted(_outcomes(result), key=str) == [("failed", "permission_missing")] + [("refunded", None)] * 4
    assert result.status is RunStatus.FINISHED
    assert f"GET {path}" in str(result.permission)
    assert exit_of_run(result) is Exit.WRONG_USE


def test_a_permission_to_read_that_all_customers_need_stops_the_run() -> None:
    """Failures in a row: no more customers are asked for than the policy allows to fail."""
    sandbox = _population(6)
    sandbox.faults.add(Fault(kind="forbidden", method="GET", path="/v1/charges", times=0))
    result = night(make_world(sandbox, policy=Policy(failures_max=3)))
    assert _outcomes(result) == [("failed", "permission_missing")] * 3
    assert (result.status, exit_of_run(result)) == (RunStatus.STOPPED, Exit.WRONG_USE)


STOPPING = {
    "401": (
        Fault(kind="refused", method="POST", path=REFUNDS, status=401, times=0),
        "permission_missing",
        Exit.WRONG_USE,
    ),
    "403": (
        Fault(kind="refused", method="POST", path=REFUNDS, status=403, times=0),
        "permission_missing",
        Exit.WRONG_USE,
    ),
    "balance_insufficient": (
        Fault(kind="refused", method="POST", path=REFUNDS, code="balance_insufficient", times=0),
        "funds_insufficient",
        Exit.STOPPED,
    ),
    "insufficient_funds": (
        Fault(kind="refused", method="POST", path=REFUNDS, code="insufficient_funds", times=0),
        "funds_insufficient",
        Exit.STOPPED,
    ),
}


@pytest.mark.parametrize(("fault", "reason", "code"), STOPPING.values(), ids=STOPPING)
def test_a_refund_that_no_later_call_could_make_stops_the_run_and_gives_back(
    fault: Fault, reason: str, code: Exit
) -> None:
    """The first case gives back; no other one reserves."""
    sandbox = _population(4)
    sandbox.faults.add(fault)
    world = make_world(sandbox)

    result = night(world)

    assert _outcomes(result)[0] == ("skipped", reason)
    assert result.status is RunStatus.STOPPED
    assert exit_of_run(result) is code
    assert _money(sandbox) == [(-5_000, 0)] * 4
    assert world.ledger.live_cases() == ()
    assert sum(movement.metadata != {} for book in sandbox.books() for movement in book.balance_transactions) == 2


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_the_policy_limits_the_cases_of_a_run(limit: int) -> None:
    """The rest is for the next night: planned, and not executed."""
    sandbox = _population(4)
    world = make_world(sandbox, policy=Policy(run_cases_max=limit))
    result = night(world)
    begun = min(limit, 4)
    assert _money(sandbox) == sorted([(0, 5_000)] * begun + [(-5_000, 0)] * (4 - begun))
    assert result.status is (RunStatus.STOPPED if limit < 4 else RunStatus.FINISHED)
    assert ("planned", "run_limit") in _outcomes(result) or limit >= 4
    assert exit_of_run(result) is (Exit.STOPPED if limit < 4 else Exit.FINISHED)


@pytest.mark.parametrize(("limit", "begun"), [(4_999, 0), (5_000, 1), (9_999, 1), (10_000, 2), (20_000, 4)])
def test_the_policy_limits_the_sum_of_a_run(limit: int, begun: int) -> None:
    """A case whose planned sum would exceed it is not begun; the exact sum is."""
    sandbox = _population(4)
    result = night(make_world(sandbox, policy=Policy(run_limit_minor={"usd": limit})))
    assert _money(sandbox) == sorted([(0, 5_000)] * begun + [(-5_000, 0)] * (4 - begun))
    assert result.status is (RunStatus.FINISHED if begun == 4 else RunStatus.STOPPED)


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_limit_begins_so_many_cases_and_finishes(limit: int) -> None:
    """`--limit` is what was asked for: the run is finished, exit code 0, and the next run goes on."""
    sandbox = _population(4)
    world = make_world(sandbox)
    result = night(world, limit=limit)
    begun = min(limit, 4)
    assert _money(sandbox) == sorted([(0, 5_000)] * begun + [(-5_000, 0)] * (4 - begun))
    assert exit_of_run(result) is Exit.FINISHED
    night(world)
    assert _money(sandbox) == [(0, 5_000)] * 4


def test_ten_failures_in_a_row_stop_the_run() -> None:
    """Nothing of the eleventh customer is read."""
    sandbox = _population(12)
    sandbox.faults.add(Fault(kind="malformed_body", method="GET", path="/v1/invoices", times=0))
    result = night(make_world(sandbox))
    assert _outcomes(result) == [("failed", "facts_unreadable")] * 10
    assert result.status is RunStatus.STOPPED
    assert result.stopped_by == "10 cases in a row failed or are unknown"


@pytest.mark.parametrize(("row", "stopped"), [("F" * 9 + "R" + "F" * 2, False), ("F" * 9 + "S" + "F" * 2, True)])
def test_a_refund_ends_the_row_of_failures_and_a_skip_does_not(row: str, stopped: bool) -> None:
    """F fails, R is refunded, S has no charge to refund over."""
    sandbox = Sandbox(seed=7, renewals=False)
    made = [subscribed(sandbox) for _ in row]
    sandbox.clock.advance(15 * DAY_S)
    # customers are listed newest first
    for (customer, subscription), letter in zip(reversed(made), row, strict=True):
        cancel(sandbox, subscription)
        if letter == "F":
            sandbox.faults.add(
                Fault(kind="malformed_body", method="GET", path="/v1/invoices", params={"customer": customer}, times=0)
            )
        elif letter == "S":
            sandbox.post(f"/v1/customers/{customer}/balance_transactions", {"amount": 5_000, "currency": "usd"})
            sandbox.post(f"/v1/customers/{customer}/balance_transactions", {"amount": -700, "currency": "usd"})

    result = night(make_world(sandbox))

    words = {"failed": "F", "refunded": "R", "skipped": "S"}
    assert "".join(words[str(case.outcome)] for case in result.cases) == (row[:11] if stopped else row)
    assert (result.status is RunStatus.STOPPED) == stopped


def _interrupted_by(world: World, gate: RunGate) -> RunResult:
    return run_night(world, gate, Silence(), mode=RunMode.RUN, command="run", threads=1)


@pytest.mark.parametrize(("moment", "money"), [(RESERVE, (0, 5_000)), (REFUND, (0, 5_000))])
def test_after_a_signal_reserved_cases_are_finished_and_no_new_one_reserves(
    moment: str, money: tuple[int, int]
) -> None:
    """Exit code 130; the next run does the rest."""
    stage = Stage(_population(3))
    gate = RunGate(policy=Policy())
    world = stage.world(meet=at(moment, "before", gate.interrupt))

    result = _interrupted_by(world, gate)

    assert _money(stage.sandbox) == [(-5_000, 0), (-5_000, 0), money]
    assert result.status is RunStatus.INTERRUPTED
    assert exit_of_run(result) is Exit.INTERRUPTED
    assert stage.ledger.live_cases() == ()
    night(stage.world("next"))
    assert _money(stage.sandbox) == [(0, 5_000)] * 3


def test_a_signal_before_the_reserve_begins_no_case() -> None:
    """The plan was made, the gate is closed."""
    stage = Stage(_population(2))
    gate = RunGate(policy=Policy())
    _interrupted_by(stage.world(meet=at("stripe.customer_balance_transactions", "after", gate.interrupt)), gate)
    assert _money(stage.sandbox) == [(-5_000, 0)] * 2
    assert list(stage.ledger.cases_of_customer(stage.sandbox.books()[0].customer)) == []


def test_a_pending_refund_counts_as_refunded_and_is_told_apart() -> None:
    """The case closes; pending is neither refunded nor left."""
    stage = Stage.of("one_charge")
    stage.sandbox.control.next_refund(status="pending")
    result = night(stage.world())
    (case,) = result.cases
    assert (case.outcome, case.refunded_minor, case.pending_minor, case.left_minor) == (Outcome.REFUNDED, 0, 5_000, 0)
    assert [(one.amount_minor, one.status) for one in case.refunds] == [(5_000, "pending")]
    assert stage.book.balance == 0
    assert stage.ledger.live_cases() == ()


def test_a_refund_that_the_bank_refuses_at_once_is_not_refunded() -> None:
    """It was accepted and does not stand: what it was for is given back, or goes to the next charge."""
    stage = Stage.of("one_charge")
    stage.sandbox.control.next_refund(status="failed")
    night(stage.world())
    stage.check_at_rest(balance=-5_000, refunded=0)
    assert (stage.case.outcome, stage.case.reason) == (Outcome.SKIPPED, Reason.REFUND_FAILED)


def test_the_books_of_a_stopped_run_add_up_in_the_ledger() -> None:
    """Planned cases of a stopped run are recorded as such."""
    sandbox = _population(3)
    ledger = SqlLedger.open("sqlite://")
    world = make_world(sandbox, ledger=ledger, policy=Policy(run_cases_max=1))
    result = night(world)
    plans = [plan.planned_minor for _, plan in ledger.plans_of_run(result.run)]
    assert plans == [5_000] * (len(result.cases) - 1)
    assert ledger.verify().ok


def test_a_refund_by_hand_in_the_second_of_the_credit_holds_the_customer() -> None:
    """It may have been meant for this credit; a second earlier it cannot."""
    stage = Stage.of("one_charge")
    refund_by_hand(stage.sandbox, 1_000)
    result = night(stage.world())
    assert _outcomes(result) == [("held", "refunded_by_hand")]
    stage.check_at_rest(balance=-5_000, refunded=1_000)
