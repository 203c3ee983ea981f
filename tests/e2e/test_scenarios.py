"""Every scenario alone in its own sandbox, and all in one population: the outcome is the one worked out by hand.

The money is judged from the sandbox's books, never from the ledger.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.stripe_gateway import StripeApi
from refund_worker.domain.policy import Policy
from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import RunMode
from refund_worker.sandbox import Books, Sandbox, SandboxServer
from refund_worker.sandbox.population import EARLIER_RUN, LIVED_S, SCENARIOS, Expected, Scenario, bench, demo
from refund_worker.usecases.run_gate import RunGate
from refund_worker.usecases.run_night import RunResult, run_night
from tests.identities import MARK_OF_CASE, check_identities, check_money, shown
from tests.worlds import TEST_KEY, NoLimiter, SandboxTime, Silence, make_world, night

ORDINARY = 40
ANY_NIGHT = Policy(unusual_floor_customers=1_000)  # so many customers with credit are no reason to stop

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


def _books_of(sandbox: Sandbox, customer: str) -> dict[str, Books]:
    return {books.currency: books for books in sandbox.books() if books.customer == customer}


def _refunds(books: Books) -> tuple[tuple[int, int], ...]:
    """The run's standing refunds in the order they were made, with the number of their charge."""
    number = {charge.charge: place for place, charge in enumerate(books.charges, start=1)}
    return tuple(
        (number[refund.charge], refund.amount)
        for refund in books.refunds
        if MARK_OF_CASE in refund.metadata
        and refund.metadata["refund_worker_run"] != EARLIER_RUN
        and refund.status not in {"failed", "canceled"}
    )


def _check_books(sandbox: Sandbox, customer: str, scenario: Scenario) -> None:
    """What an outside judge sees: the refunds, what is left of balance and items, nothing in another currency."""
    found = _books_of(sandbox, customer)
    for expected in scenario.cases:
        books = found.pop(expected.currency, None)
        assert (_refunds(books) if books else ()) == expected.refunds
        assert (books.balance if books else 0) == expected.ending_balance
        assert (sum(item.amount for item in books.pending_items) if books else 0) == expected.pending_items
    assert all(not _refunds(other) for other in found.values())


def _check_cases(cases: Iterable[CaseResult], scenario: Scenario, *, swept: bool) -> None:
    """One case for each currency: of those that a sweep finds, or of all."""
    found = {case.currency: case for case in cases}
    wanted = {expected.currency: expected for expected in scenario.cases if expected.swept or not swept}
    assert found.keys() == wanted.keys(), scenario.name
    for currency, expected in wanted.items():
        _check_case(found[currency], expected)


def _check_case(case: CaseResult, expected: Expected) -> None:
    """What the program says of it."""
    said = {
        "outcome": str(case.outcome),
        "reason": None if case.reason is None else str(case.reason),
        "currency": case.currency,
        "credit": case.credit_minor,
        "excluded": case.excluded_minor,
        "refundable": case.refundable_minor,
        "left": case.left_minor,
        "pending": case.pending_minor,
        "refunded": case.refunded_minor,
        "held": case.held_minor,
    }
    sent = sum(amount for _, amount in expected.refunds)
    assert said == {
        "outcome": expected.outcome,
        "reason": expected.reason,
        "currency": expected.currency,
        "credit": expected.credit,
        "excluded": expected.excluded,
        "refundable": expected.refundable,
        "left": expected.left,
        "pending": expected.pending,
        "refunded": sent - expected.pending,
        "held": expected.refundable if expected.outcome == "held" else 0,
    }, case.detail


@each_scenario
def test_a_run_makes_of_the_scenario_what_was_worked_out_by_hand(scenario: Scenario) -> None:
    """Outcome, reason, refunds charge by charge, what is left and the ending balance."""
    sandbox = Sandbox(seed=7)
    customer = scenario.build(sandbox)
    before = sandbox.books()

    result = night(make_world(sandbox), customer)

    _check_cases(result.cases, scenario, swept=False)
    _check_books(sandbox, customer, scenario)
    assert _refunds_tried(sandbox) == sum(len(one.refunds) + one.fruitless for one in scenario.cases)
    check_identities(shown(result))
    check_money(before=before, after=sandbox.books())


def _refunds_tried(sandbox: Sandbox) -> int:
    return sum((entry.method, entry.path) == ("POST", "/v1/refunds") for entry in sandbox.request_log)


@each_scenario
def test_a_sweep_finds_the_scenario_or_has_nothing_to_find(scenario: Scenario) -> None:
    """A sweep over all customers makes the same of it; a customer without credit, or a deleted one, is no case."""
    sandbox = Sandbox(seed=8)
    customer = scenario.build(sandbox)

    result = night(make_world(sandbox))

    assert all(case.customer == customer for case in result.cases)
    _check_cases(result.cases, scenario, swept=True)
    _check_books(sandbox, customer, scenario)


@each_scenario
def test_the_second_run_right_after_the_first_moves_nothing(scenario: Scenario) -> None:
    """The second run sends no write at all; once it stands, a hold or skip is the same row in the third."""
    sandbox = Sandbox(seed=9)
    customer = scenario.build(sandbox)
    world = make_world(sandbox)
    first = night(world, customer)
    standing = {(row.id, row.since) for row in world.ledger.standings()}
    books, writes = sandbox.books(), _writes(sandbox)

    second = night(world, customer)

    assert _writes(sandbox) == writes
    assert sandbox.books() == books
    check_identities(shown(second))
    again = {case.currency: case for case in second.cases}
    for case in first.cases:
        if case.outcome in {"held", "skipped"}:
            assert again[case.currency].digest == case.digest
    stands = {(row.id, row.since) for row in world.ledger.standings()}
    assert standing <= stands
    assert len(stands) == len(second.cases) >= 1
    night(world, customer)
    assert {(row.id, row.since) for row in world.ledger.standings()} == stands


def _writes(sandbox: Sandbox) -> int:
    return sum(entry.method in {"POST", "DELETE"} for entry in sandbox.request_log)


@each_scenario
def test_the_same_facts_give_the_same_digest_and_a_plan_moves_nothing(scenario: Scenario) -> None:
    """Two ledgers that know nothing of each other plan the same, twice, and send no write."""
    sandbox = Sandbox(seed=10)
    customer = scenario.build(sandbox)
    books = sandbox.books()

    plans = [night(make_world(sandbox), customer, mode=RunMode.PLAN) for _ in range(2)]

    assert len(plans[0].cases) == len(plans[1].cases) == len(scenario.cases)
    for first, second in zip(*(plan.cases for plan in plans), strict=True):
        assert first.digest == second.digest
        assert len(first.digest) == 64
        said = [(one.outcome, one.reason, one.planned_minor) for one in (first, second)]
        assert said[0] == said[1]
    assert _writes(sandbox) == 0
    assert sandbox.books() == books
    check_identities(shown(plans[0]))


def _check_population(sandbox: Sandbox, customers: dict[str, str], result: RunResult) -> dict[str, CaseResult]:
    """Check each scenario in a run over all of them; returns the cases of other customers."""
    cases: defaultdict[str, list[CaseResult]] = defaultdict(list)
    for case in result.cases:
        cases[case.customer].append(case)
    for scenario in SCENARIOS:
        customer = customers[scenario.name]
        _check_cases(cases.pop(customer, ()), scenario, swept=True)
        _check_books(sandbox, customer, scenario)
    return {customer: case for customer, (case,) in cases.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Where a population's year begins, epoch seconds."""

    word: str
    at: int


BEGINNINGS = (
    Beginning(word="an_evening_in_november", at=1_795_312_800),
    Beginning(word="the_last_second_of_a_january", at=1_801_439_999),
    Beginning(word="a_leap_day", at=1_835_438_096),
)


@pytest.mark.parametrize(
    "beginning",
    [BEGINNINGS[0], *(pytest.param(beginning, marks=pytest.mark.deep) for beginning in BEGINNINGS[1:])],
    ids=lambda beginning: beginning.word,
)
def test_one_night_over_the_whole_population_makes_the_same_of_every_scenario(beginning: Beginning) -> None:
    """In one run, side by side with ordinary customers, whatever the calendar."""
    sandbox = Sandbox(seed=11, now=beginning.at)
    customers = demo(sandbox, ORDINARY)
    before = sandbox.books()

    result = night(make_world(sandbox, policy=ANY_NIGHT))

    assert sandbox.clock.now == beginning.at + LIVED_S
    cases = _check_population(sandbox, customers, result)
    # what is left are the ordinary customers with credit: each gets all of it back
    assert len(cases) >= ORDINARY // 5
    assert {(str(case.outcome), case.refunded_minor - case.credit_minor) for case in cases.values()} == {
        ("refunded", 0)
    }
    assert {1, 2, 3} <= {len(case.refunds) for case in cases.values()}
    check_identities(shown(result))
    check_money(before=before, after=sandbox.books())


def test_one_night_over_http_on_many_threads_makes_the_same_of_every_scenario(tmp_path: Path) -> None:
    """Through sockets with the vendor's client, a ledger on disk and eight threads at once."""
    sandbox = Sandbox(seed=13)
    customers = demo(sandbox, 0)
    before = sandbox.books()
    with SandboxServer(sandbox, port=0) as server:
        api = StripeApi(
            api_key=TEST_KEY, api_base=server.base_url, limiter=NoLimiter(), clock=SandboxTime(sandbox)
        )  # fmt: skip
        ledger = SqlLedger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
        world = make_world(sandbox, stripe_gateway=api, ledger=ledger, policy=ANY_NIGHT)
        gate = RunGate(policy=world.policy)
        result = run_night(world, gate, Silence(), mode=RunMode.RUN, command="run", threads=8)
        api.close()

    assert not _check_population(sandbox, customers, result)
    check_identities(shown(result))
    check_money(before=before, after=sandbox.books())


def test_the_same_seed_gives_the_same_population_byte_for_byte() -> None:
    """Another seed gives another one."""
    first, again, other = (_everything(seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def _everything(seed: int) -> str:
    sandbox = Sandbox(seed=seed)
    demo(sandbox, ORDINARY)
    world = sandbox.snapshot().world
    kinds = ("customer", "subscription", "invoice", "line_item", "invoiceitem", "invoice_payment", "payment_intent",
             "charge", "refund", "customer_balance_transaction", "credit_note", "event")  # fmt: skip
    return "\n".join(record.json for kind in kinds for record in world.store.all(kind))


def test_each_customer_of_the_demo_says_which_story_it_lived() -> None:
    """The description of a customer is the name of its scenario; a deleted one has none."""
    sandbox = Sandbox(seed=5)
    customers = demo(sandbox, ORDINARY)
    for name, customer in customers.items():
        found: dict[str, Any] = sandbox.get(f"/v1/customers/{customer}")
        assert found.get("deleted") or found["description"] == name
    assert len(customers) == len(SCENARIOS) + ORDINARY


def test_the_customers_of_the_benchmark_each_have_one_credit_over_one_charge() -> None:
    """$50.00 back over a charge of $100.00 each."""
    sandbox = Sandbox(seed=6)
    bench(sandbox, 5)
    result = night(make_world(sandbox))
    assert [(case.credit_minor, [one.amount_minor for one in case.refunds]) for case in result.cases] == [
        (5_000, [5_000])
    ] * 5


def test_a_customer_marked_in_metadata_is_held() -> None:
    """The policy names the key; the mark is read from the customer as it is now."""
    downgrade = next(one for one in SCENARIOS if one.name == "downgrade_at_mid_period")
    sandbox = Sandbox(seed=12)
    customer = downgrade.build(sandbox)
    sandbox.post(f"/v1/customers/{customer}", {"metadata": {"refunds": "by hand"}})
    world = make_world(sandbox, policy=Policy(excluded_metadata={"refunds": "*"}))

    result = night(world)

    assert [(str(case.outcome), str(case.reason), case.held_minor) for case in result.cases] == [
        ("held", "excluded_customer", 4_500)
    ]
    assert _books_of(sandbox, customer)["usd"].balance == -4_500


def test_the_names_and_stories_of_the_scenarios_are_told_apart() -> None:
    """No two have one name, each says in a sentence what happened, and each expectation adds up by itself."""
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS) >= 100
    for scenario in SCENARIOS:
        assert scenario.story.endswith(".")
        for expected in scenario.cases:
            sent = sum(amount for _, amount in expected.refunds)
            held = expected.refundable if expected.outcome == "held" else 0
            assert expected.credit == expected.excluded + expected.refundable
            assert expected.refundable == sent + held + expected.left
            on_balance = max(0, -expected.ending_balance)
            assert expected.credit - sent in {on_balance, on_balance - expected.pending_items}
