"""Both identities of a run's `--json`, and the sums of money, over the whole population, in every kind of run."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from refund_worker.domain.policy import Policy
from refund_worker.domain.runs import RunMode, RunStatus
from refund_worker.sandbox import Books, Fault, Sandbox, Snapshot
from refund_worker.sandbox.population import SCENARIOS, demo
from tests.identities import check_identities, check_money, our_refunds_minor, shown
from tests.worlds import make_world, night, resume

ORDINARY = 15
ANY_NIGHT = Policy(unusual_floor_customers=1_000)  # so many customers with credit are no reason to stop
REFUNDS = "/v1/refunds"


@pytest.fixture(scope="module")
def population() -> tuple[Snapshot, dict[str, str]]:
    """The demo's population, built once; and the customers by name."""
    sandbox = Sandbox(seed=21)
    customers = demo(sandbox, ORDINARY)
    return sandbox.snapshot(), customers


def _sandbox(population: tuple[Snapshot, dict[str, str]]) -> Sandbox:
    return Sandbox.restore(population[0])


def test_a_run_keeps_the_identities_and_a_second_one_too(population: tuple[Snapshot, dict[str, str]]) -> None:
    """Per currency: credit = excluded + refundable, and that = refunded + pending + planned + held + left."""
    sandbox = _sandbox(population)
    world, before = make_world(sandbox, policy=ANY_NIGHT), sandbox.books()
    first = night(world)
    after = sandbox.books()
    second = night(world)

    for run in (first, second):
        assert run.status is RunStatus.FINISHED
        check_identities(shown(run))
    check_money(before=before, after=after)
    assert sandbox.books() == after
    assert {"eur", "gbp", "jpy", "kwd", "usd"} == set(shown(first)["totals"])
    # what the second run finds is what the first one left: held, without a charge, or not refundable
    sent = sum(our_refunds_minor(books) for books in after) - sum(our_refunds_minor(books) for books in before)
    assert _credit(shown(second)) == _credit(shown(first)) - sent


def _credit(run: dict[str, Any]) -> int:
    return sum(totals["credit_minor"] for totals in run["totals"].values())


def test_goodwill_stays_to_the_cent(population: tuple[Snapshot, dict[str, str]]) -> None:
    """What a story says is excluded is still on the balance after the run."""
    sandbox = _sandbox(population)
    night(make_world(sandbox, policy=ANY_NIGHT))
    balances = {(books.customer, books.currency): books.balance for books in sandbox.books()}
    goodwill = [(one.name, case) for one in SCENARIOS for case in one.cases if case.excluded]
    assert len(goodwill) >= 8
    for name, case in goodwill:
        assert -balances[population[1][name], case.currency] == case.excluded, name


def test_a_plan_keeps_the_identities_and_moves_nothing(population: tuple[Snapshot, dict[str, str]]) -> None:
    """All that a run would refund is planned."""
    sandbox = _sandbox(population)
    before = sandbox.books()
    plan = shown(night(make_world(sandbox, policy=ANY_NIGHT), mode=RunMode.PLAN))
    assert sandbox.books() == before
    check_identities(plan)
    assert plan["totals"]["gbp"]["planned_minor"] >= 10_000
    assert all(totals["refunded_minor"] == totals["pending_minor"] == 0 for totals in plan["totals"].values())


@pytest.mark.parametrize("limit", [1, 7])
def test_a_capped_run_keeps_the_identities(population: tuple[Snapshot, dict[str, str]], limit: int) -> None:
    """No more cases than asked for reserve; the rest is left for the next run."""
    sandbox = _sandbox(population)
    before = sandbox.books()
    result = night(make_world(sandbox, policy=ANY_NIGHT), limit=limit)
    check_identities(shown(result))
    check_money(before=before, after=sandbox.books())
    was = [our_refunds_minor(books) for books in before]
    now = [our_refunds_minor(books) for books in sandbox.books()]
    assert sum(sent > earlier for sent, earlier in zip(now, was, strict=True)) == limit


FAULTS = {
    "every third refund's answer is lost": [
        Fault(kind="answer_lost", method="POST", path=REFUNDS, nth=nth) for nth in range(1, 60, 3)
    ],
    "some refunds end in a stored 500 and happened": [
        Fault(kind="stored_500", method="POST", path=REFUNDS, nth=nth, executed=True) for nth in (2, 9, 30)
    ],
    "some refunds end in a stored 500 and did not": [
        Fault(kind="stored_500", method="POST", path=REFUNDS, nth=nth) for nth in (2, 9, 30)
    ],
    "every refund is refused for good": [
        Fault(kind="refused", method="POST", path=REFUNDS, times=0, code="charge_not_refundable", stored=True)
    ],
    "answers to debits are cut": [
        Fault(kind="cut_body", method="POST", path="/v1/customers/{customer}/balance_transactions", nth=nth)
        for nth in (1, 5, 9)
    ],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_a_run_with_faults_keeps_the_identities(
    population: tuple[Snapshot, dict[str, str]], faults: list[Fault]
) -> None:
    """Whatever Stripe does, at rest no cent is lost, made or paid twice."""
    sandbox = _sandbox(population)
    before = sandbox.books()
    for fault in faults:
        sandbox.faults.add(fault)
    world = make_world(sandbox, policy=ANY_NIGHT)
    check_identities(shown(night(world)))
    check_identities(shown(resume(world)))
    assert world.ledger.live_cases() == ()
    check_money(before=before, after=sandbox.books())


def test_a_run_without_answers_keeps_the_identities_while_cases_are_unknown(
    population: tuple[Snapshot, dict[str, str]],
) -> None:
    """Refunds whose answers never come leave their cases unknown; once the answers come, the money is whole again."""
    broken = _sandbox(population)
    before = broken.books()
    broken.faults.add(Fault(kind="answer_lost", method="POST", path=REFUNDS, times=0))
    world = make_world(broken, policy=ANY_NIGHT)
    run = shown(night(world))
    assert run["counts"]["unknown"] == 10  # that many in a row stop the run; holds and skips between them do not count
    assert run["counts"]["refunded"] == run["counts"]["partly_refunded"] == 0
    assert run["status"] == "stopped"
    check_identities(run)

    broken.faults.clear()
    check_identities(shown(resume(world)))
    assert world.ledger.live_cases() == ()
    check_money(before=before, after=broken.books())


def _one_cent_more(name: str) -> Callable[[dict[str, Any]], None]:
    def tamper(run: dict[str, Any]) -> None:
        run["totals"]["usd"][name] += 1

    return tamper


def _one_more(name: str) -> Callable[[dict[str, Any]], None]:
    def tamper(run: dict[str, Any]) -> None:
        run["counts"][name] += 1

    return tamper


def _a_case_less(run: dict[str, Any]) -> None:
    run["cases"].pop()


def _a_refund_less(run: dict[str, Any]) -> None:
    next(case for case in run["cases"] if case["refunds"])["refunds"].pop()


TAMPERED = {
    **{f"totals: {name}": _one_cent_more(name) for name in (
        "credit_minor", "excluded_minor", "refundable_minor", "refunded_minor", "pending_minor", "planned_minor",
        "held_minor", "left_minor",
    )},
    **{f"counts: {name}": _one_more(name) for name in ("examined", "refunded", "held", "skipped")},
    "a case is missing": _a_case_less,
    "a refund is missing": _a_refund_less,
}  # fmt: skip


@pytest.fixture(scope="module")
def one_run(population: tuple[Snapshot, dict[str, str]]) -> dict[str, Any]:
    """A run over the whole population, as `--json` shows it."""
    return shown(night(make_world(_sandbox(population), policy=ANY_NIGHT)))


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_run_that_does_not_add_up_is_noticed(
    one_run: dict[str, Any], tamper: Callable[[dict[str, Any]], None]
) -> None:
    """The recomputation trusts no sum: one cent or one case too many and it fails."""
    check_identities(one_run)
    run = copy.deepcopy(one_run)
    tamper(run)
    with pytest.raises(AssertionError):
        check_identities(run)


def _books_with(act: Callable[[Sandbox, Books], object]) -> tuple[list[Books], list[Books]]:
    """The books of a downgraded customer with $45 of credit, before and after somebody acts."""
    sandbox = Sandbox(seed=22)
    customer = next(one for one in SCENARIOS if one.name == "downgrade_at_mid_period").build(sandbox)
    before = sandbox.books()
    act(sandbox, next(books for books in before if books.customer == customer))
    return before, sandbox.books()


def test_money_that_was_lost_or_paid_twice_is_noticed() -> None:
    """A debit without a refund, a refund without a debit, and one cent too much of either."""

    def debit(sandbox: Sandbox, books: Books, amount: int) -> None:
        path = f"/v1/customers/{books.customer}/balance_transactions"
        sandbox.post(path, {"amount": amount, "currency": "usd", "metadata": {"refund_worker_case": "case_1"}})

    def refund(sandbox: Sandbox, books: Books, amount: int) -> None:
        mark = {"refund_worker_case": "case_1"}
        sandbox.post(REFUNDS, {"charge": books.charges[0].charge, "amount": amount, "metadata": mark})

    for debited, refunded in ((4_500, 0), (0, 4_500), (4_500, 4_501), (4_500, 4_499)):

        def act(sandbox: Sandbox, books: Books, debited: int = debited, refunded: int = refunded) -> None:
            if debited:
                debit(sandbox, books, debited)
            if refunded:
                refund(sandbox, books, refunded)

        before, after = _books_with(act)
        with pytest.raises(AssertionError):
            check_money(before=before, after=after)

    def whole(sandbox: Sandbox, books: Books) -> None:
        debit(sandbox, books, 4_500)
        refund(sandbox, books, 4_500)

    before, after = _books_with(whole)
    check_money(before=before, after=after)
