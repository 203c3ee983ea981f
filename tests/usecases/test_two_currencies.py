"""Customers with credit in several currencies: each has a case of its own, over its own charges, and none waits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from refund_worker.domain.facts import Customer, CustomerBalanceTransaction
from refund_worker.domain.policy import Policy
from refund_worker.domain.queueing import Cause
from refund_worker.domain.runs import RunMode
from refund_worker.entrypoints.explaining import explanation_json, explanation_lines
from refund_worker.ports import StripeGateway
from refund_worker.sandbox import Sandbox
from refund_worker.usecases.absorb_events import absorb_events
from refund_worker.usecases.explain_customer import explain_customer
from refund_worker.usecases.poll_events import begin_watermark, poll_events
from refund_worker.usecases.run_night import RunResult
from refund_worker.usecases.want_customer import want_customer
from refund_worker.usecases.world import World
from tests.crash.scenes import MOVEMENTS, cancel, goodwill, in_two_currencies, subscribe
from tests.crash.stops import Killed
from tests.identities import check_identities, check_money, shown
from tests.usecases.stage import Stage, at, die
from tests.usecases.working import work
from tests.worlds import make_world, night

USD, EUR = 5_000, 4_129  # what `in_two_currencies` leaves
Money = dict[str, tuple[int, int]]


def two() -> tuple[Sandbox, str]:
    """An account with the one customer."""
    sandbox = Sandbox(seed=7, renewals=False)
    return sandbox, in_two_currencies(sandbox)


def only_euros() -> tuple[Sandbox, str]:
    """A customer of US dollars, nothing of which is left, with credit in euros."""
    sandbox, customer = two()
    path = f"/v1/customers/{customer}/balance_transactions"
    sandbox.post(path, {"amount": USD, "currency": "usd"})
    return sandbox, customer


def money(sandbox: Sandbox) -> Money:
    """Balance (Stripe's sign) and refunded sum of the one customer, by currency."""
    return {book.currency: (book.balance, book.refunded) for book in sandbox.books()}


def words(result: RunResult) -> list[tuple[str, str, str | None]]:
    """Currency, outcome and reason of each case, in order."""
    return [(one.currency, str(one.outcome), one.reason and str(one.reason)) for one in result.cases]


def more_euros(sandbox: Sandbox, customer: str) -> None:
    """The customer subscribes in euros and cancels at once: all of it is credit."""
    cancel(sandbox, subscribe(sandbox, customer, price=1_000, currency="eur")["id"])


def test_each_currency_is_refunded_over_its_own_charges() -> None:
    """Facts are read once; the identities hold in each currency, and no cent crosses over."""
    sandbox, _ = two()
    before, calls = sandbox.books(), len(sandbox.request_log)
    result = night(make_world(sandbox))
    assert words(result) == [("eur", "refunded", None), ("usd", "refunded", None)]
    assert money(sandbox) == {"usd": (0, USD), "eur": (0, EUR)}
    assert [sum(charge.refunded for charge in book.charges) for book in sandbox.books()] == [USD, EUR]
    reads = [entry.path for entry in list(sandbox.request_log)[calls:] if entry.method == "GET"]
    assert reads[-3:] == ["/v1/invoices", "/v1/charges", MOVEMENTS]
    assert not {"/v1/invoices", "/v1/charges", MOVEMENTS} & set(reads[:-3])
    run = shown(result)
    check_identities(run)
    check_money(before=before, after=sandbox.books())
    assert {code: sums["refunded_minor"] for code, sums in run["totals"].items()} == {"usd": USD, "eur": EUR}
    assert run["counts"]["examined"] == 2


def test_a_currency_without_a_charge_takes_none_of_the_other() -> None:
    """The only charge in euros is disputed: the euros stay, though dollars' charges have enough left."""
    sandbox, _ = two()
    (euros,) = (book.charges[0].charge for book in sandbox.books() if book.currency == "eur")
    sandbox.control.dispute(euros)
    result = night(make_world(sandbox))
    assert words(result) == [("eur", "skipped", "charge_disputed"), ("usd", "refunded", None)]
    assert money(sandbox) == {"usd": (0, USD), "eur": (-EUR, 0)}
    check_identities(shown(result))


def _by_sweep(world: World, customer: str) -> list[tuple[str, str | None]]:
    return [(one.currency, str(one.outcome)) for one in night(world).cases]


def _by_name(world: World, customer: str) -> list[tuple[str, str | None]]:
    return [(one.currency, str(one.outcome)) for one in night(world, customer).cases]


def _by_queue(world: World, customer: str) -> list[tuple[str, str | None]]:
    want_customer(world, customer=customer, cause=Cause.COMMAND)
    return [(one.currency, str(one.outcome)) for one in work(world).results]


@pytest.mark.parametrize("found_by", [_by_sweep, _by_name, _by_queue])
def test_a_customer_whose_only_credit_is_in_a_second_currency_is_found(
    found_by: Callable[[World, str], list[tuple[str, str | None]]],
) -> None:
    sandbox, customer = only_euros()
    assert found_by(make_world(sandbox), customer) == [("eur", "refunded")]
    assert money(sandbox) == {"usd": (0, 0), "eur": (0, EUR)}


def test_an_event_tells_of_a_credit_in_a_second_currency() -> None:
    """The cancellation's own events, polled and absorbed, are enough."""
    sandbox, customer = only_euros()
    world = make_world(sandbox)
    begin_watermark(world)
    night(world)
    more_euros(sandbox, customer)
    poll_events(world)
    absorb_events(world, mode=RunMode.RUN)
    sandbox.clock.advance(world.settling_s)
    assert [(one.currency, one.refunded_minor) for one in work(world).results] == [("eur", 1_000)]
    assert money(sandbox) == {"usd": (0, 0), "eur": (0, EUR + 1_000)}


def test_a_currency_long_not_moved_is_read_back_to() -> None:
    """Its movements stand behind more than a page of the other's, which tells all of that one."""
    sandbox, customer = only_euros()
    for _ in range(60):
        goodwill(sandbox, customer, 1)
        goodwill(sandbox, customer, -1)
    assert words(night(make_world(sandbox))) == [("eur", "refunded", None)]
    assert money(sandbox) == {"usd": (0, 0), "eur": (0, EUR)}


def test_a_live_case_in_one_currency_keeps_the_other_from_nothing() -> None:
    """The program is killed with the dollars reserved; another looks before it is known to be gone."""
    sandbox, customer = two()
    stage = Stage(sandbox)
    with pytest.raises(Killed):
        night(stage.world("killed", meet=at("stripe.create_refund refund:1", "before", die)))
    assert money(sandbox) == {"usd": (-USD, 0), "eur": (0, 0)}  # the first by its code is reserved
    want_customer(stage.world(), customer=customer, cause=Cause.COMMAND)
    told = work(stage.world())
    assert [(one.currency, str(one.outcome)) for one in told.results] == [("usd", "refunded")]
    stage.gone.add("killed")
    night(stage.world("later"))
    assert money(sandbox) == {"usd": (0, USD), "eur": (0, EUR)}


def test_a_live_case_is_skipped_and_the_queue_keeps_the_customer() -> None:
    """New credit comes in the currency whose case is live: it is looked at when that case is closed."""
    sandbox, customer = two()
    stage = Stage(sandbox)
    with pytest.raises(Killed):
        night(stage.world("killed", meet=at("stripe.create_refund refund:1", "before", die)))
    more_euros(sandbox, customer)
    world = stage.world()
    want_customer(world, customer=customer, cause=Cause.COMMAND)
    told = work(world)
    assert [(one.currency, *said) for one, said in zip(told.results, told.words, strict=True)] == [
        ("eur", "skipped", "case_live"),
        ("usd", "refunded", None),
    ]
    assert world.queue.known_to_queue([customer])
    stage.gone.add("killed")
    night(stage.world("later"))
    assert money(sandbox) == {"usd": (0, USD), "eur": (0, EUR + 1_000)}


def test_a_plan_that_is_only_kept_is_kept_once() -> None:
    """Beside a live case, which alone would be looked at again soon."""
    sandbox, customer = two()
    stage = Stage(sandbox)
    with pytest.raises(Killed):
        night(stage.world("killed", meet=at("stripe.create_refund refund:1", "before", die)))
    more_euros(sandbox, customer)
    world = stage.world()
    want_customer(world, customer=customer, cause=Cause.COMMAND)
    told = work(world, mode=RunMode.PLAN)
    assert told.words == [("skipped", "case_live"), ("planned", None)]
    sandbox.clock.advance(600)
    assert world.calendar.next_night().at > sandbox.clock.now
    assert work(world, mode=RunMode.PLAN).words == []


def test_the_hold_of_a_currency_ends_when_its_credit_is_gone() -> None:
    """While the other's goes on standing."""
    sandbox, customer = two()
    policy = Policy(case_limit_minor={"usd": 100, "eur": 100})
    world = make_world(sandbox, policy=policy)
    assert words(night(world, customer)) == [("eur", "held", "above_limit"), ("usd", "held", "above_limit")]
    since = {one.plan.currency: one.since for one in world.ledger.standings(customer=customer)}
    assert since.keys() == {"usd", "eur"}
    sandbox.post(f"/v1/customers/{customer}/balance_transactions", {"amount": EUR, "currency": "eur"})
    sandbox.clock.advance(60)
    assert words(night(world, customer)) == [("usd", "held", "above_limit")]
    assert {one.plan.currency: one.since for one in world.ledger.standings(customer=customer)} == {"usd": since["usd"]}


def test_a_run_that_may_not_go_on_stops_between_two_currencies() -> None:
    """`--limit 1`: one case, and the next run makes the other. Of the queue's customer nothing is forgotten."""
    sandbox, _ = two()
    world = make_world(sandbox)
    assert words(night(world, limit=1)) == [("eur", "refunded", None)]
    assert words(night(world, limit=1)) == [("usd", "refunded", None)]
    assert money(sandbox) == {"usd": (0, USD), "eur": (0, EUR)}


def test_a_queued_customer_of_whom_one_currency_was_not_begun_stays_in_the_queue() -> None:
    """The run's limit of cases is reached with the first."""
    sandbox, customer = two()
    world = make_world(sandbox, policy=Policy(run_cases_max=1))
    want_customer(world, customer=customer, cause=Cause.COMMAND)
    told = work(world)
    assert told.words == [("refunded", None), ("planned", "run_limit")]
    assert world.queue.known_to_queue([customer])


@dataclass(slots=True)
class _Doctored:
    """A gateway that says of every customer what `change` makes of it."""

    inner: StripeGateway
    change: Callable[[Customer], Customer]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def customers(self, *, after: str | None = None) -> Iterator[Customer]:
        """Each as it is changed."""
        return map(self.change, self.inner.customers(after=after))

    def statement(self, customer: str) -> tuple[Customer, Iterator[CustomerBalanceTransaction]]:
        """With the customer as it is changed."""
        holder, rows = self.inner.statement(customer)
        return self.change(holder), rows


def test_a_balance_that_disagrees_is_read_once_more_and_held_with_its_numbers() -> None:
    """The euros' are held; what Stripe says of the dollars agrees."""
    sandbox, customer = two()
    world = make_world(sandbox)
    wrong = {"usd": USD, "eur": EUR - 1}
    doctored = _Doctored(world.stripe, lambda one: replace(one, credit_balances=wrong))
    result = night(replace(world, stripe=doctored))
    assert words(result) == [("eur", "held", "balance_disagrees"), ("usd", "refunded", None)]
    (standing,) = world.ledger.standings(customer=customer)
    assert standing.plan.numbers == {"invoice_credit_balance_minor": EUR - 1, "ending_balance_minor": -EUR}
    reads = [entry.path for entry in sandbox.request_log if entry.method == "GET"]
    assert reads.count(MOVEMENTS) == 2
    assert money(sandbox) == {"usd": (0, USD), "eur": (-EUR, 0)}
    check_identities(shown(result))


def test_the_other_sign_of_the_credit_balances_is_found_out_and_held() -> None:
    """Their sign is documented, and was never seen: with the opposite one no cent leaves, and none is overlooked."""
    sandbox, customer = only_euros()
    world = make_world(sandbox)

    def turned(one: Customer) -> Customer:
        balances = {code: -minor for code, minor in one.credit_balances.items()}
        return replace(one, credit_balances=balances, other_credits={"eur": -EUR} if balances else {})

    result = night(replace(world, stripe=_Doctored(world.stripe, turned)))
    assert words(result) == [("eur", "held", "balance_disagrees")]
    assert result.cases[0].customer == customer
    assert money(sandbox)["eur"] == (-EUR, 0)


def test_a_balance_that_moved_since_the_sweep_does_not_disagree() -> None:
    """The customer was read with the list, the movements later: a goodwill of one cent came in between."""
    sandbox, customer = two()
    stage = Stage(sandbox)
    world = stage.world(meet=at("stripe.invoices", "before", lambda: goodwill(sandbox, customer, 1)))
    result = night(world)
    assert words(result) == [("eur", "refunded", None), ("usd", "refunded", None)]
    assert money(sandbox) == {"usd": (-1, USD), "eur": (0, EUR)}


def test_explain_shows_each_currency() -> None:
    """Plan, lots, charges, what stands, and cases, each by its currency."""
    sandbox, customer = two()
    world = make_world(sandbox, policy=Policy(case_limit_minor={"usd": 4_999}))
    night(world)
    more_euros(sandbox, customer)
    explanation = explain_customer(world, customer)
    said: dict[str, Any] = explanation_json(explanation)
    (euros,) = said["other_currencies"]
    assert (said["currency"], said["credit_minor"], said["reason"]) == ("usd", USD, "above_limit")
    assert ([one["reason"] for one in said["standing"]], said["cases"]) == (["above_limit"], [])
    assert (euros["currency"], euros["planned_minor"], euros["standing"]) == ("eur", 1_000, [])
    assert [one["outcome"] for one in euros["cases"]] == ["refunded"]
    assert not {one["charge"] for one in said["charges"]} & {one["charge"] for one in euros["charges"]}
    lines = list(explanation_lines(explanation))
    assert [line for line in lines if line.startswith(customer)] == [
        f"{customer}: credit $50.00 = excluded $0.00 + refundable $50.00",
        f"{customer}: credit €10.00 = excluded €0.00 + refundable €10.00",
    ]
    assert [line.partition(" (")[0] for line in lines if line.startswith("=>")] == [
        "=> held: above_limit",
        "=> would refund €10.00 over 1 charge",
    ]


def test_explain_leaves_out_an_own_currency_that_has_nothing_to_tell() -> None:
    sandbox, customer = only_euros()
    lines = list(explanation_lines(explain_customer(make_world(sandbox), customer)))
    assert [line for line in lines if line.startswith(customer)] == [
        f"{customer}: credit €41.29 = excluded €0.00 + refundable €41.29"
    ]
