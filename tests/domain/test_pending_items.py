"""Pending items: which are converted, which are left, which hold their customer; and what is counted meanwhile."""

from dataclasses import replace

import pytest

from refund_worker.domain.carried import carried_items, items_to_look_at, unsettled
from refund_worker.domain.conversions import Conversion
from refund_worker.domain.credit import Cause, Origin
from refund_worker.domain.facts import CustomerFacts, ItemNow, ItemState, PendingItem, Subscription
from refund_worker.domain.marks import credit_key, mark_of, read_mark, write_mark
from refund_worker.domain.pending_items import judge_items, subscriptions_to_read
from refund_worker.domain.policy import Policy
from refund_worker.domain.reasons import Reason
from tests.domain.customers import DAY, NOW, facts, planned

CHARGES = "ch_1 10000 in_1@sub_1"


def item(name: str, amount: int, *, subscription: str | None = "sub_1", **more: object) -> PendingItem:
    made = PendingItem(
        id=f"ii_{name}",
        customer="cus_1",
        amount_minor=amount,
        currency="usd",
        subscription=subscription,
        proration=True,
        period_start=NOW - 3 * DAY,
        credited_invoice="in_1",
    )
    return replace(made, **more)  # type: ignore[arg-type]  # the tables name fields by keyword


def customer(*items: PendingItem, history: str = "", status: str = "canceled", taxed: bool = False) -> CustomerFacts:
    found = facts(history, CHARGES)
    holder = Subscription(id="sub_1", customer="cus_1", status=status, exclusive_tax=taxed)
    return replace(found, pending_items=items, subscriptions={"sub_1": holder})


JUDGED: list[tuple[str, CustomerFacts, str]] = [
    ("one credit", customer(item("a", -4_500)), "convert 4500"),
    ("credits and debits", customer(item("a", -4_500), item("b", 1_200)), "convert 3300"),
    ("just above zero", customer(item("a", -1_200), item("b", 1_201)), "held pending_items"),
    ("exactly zero", customer(item("a", -1_200), item("b", 1_200)), "nothing"),
    ("just below zero", customer(item("a", -1_201), item("b", 1_200)), "convert 1"),
    ("of a subscription that goes on", customer(item("a", -500), status="active"), "skipped pending_items_left"),
    ("of none", customer(item("a", -500, subscription=None)), "skipped pending_items_left"),
    ("a debit of none", customer(item("a", 1, subscription=None)), "held pending_items"),
    ("a debit of one that goes on", customer(item("a", 1), status="active"), "held pending_items"),
    ("taxed by its rate", customer(item("a", -500, exclusive_tax=True)), "held pending_items_taxed"),
    ("taxed by its subscription", customer(item("a", -500), taxed=True), "held pending_items_taxed"),
    ("deferred", customer(item("a", -500, deferred=True)), "held pending_items_deferred"),
    ("left, beside credit", customer(item("a", -5), history="c1 -100 adjustment", status="active"), "nothing"),
    ("taxed, but left", customer(item("a", -500, exclusive_tax=True), status="active"), "skipped pending_items_left"),
]


@pytest.mark.parametrize(("found", "expected"), [row[1:] for row in JUDGED], ids=[row[0] for row in JUDGED])
def test_what_becomes_of_pending_items(found: CustomerFacts, expected: str) -> None:
    judged = judge_items(facts=found, currency="usd", policy=Policy(), now=NOW)
    words = " ".join(f"convert {one.credit_minor}" for one in judged.conversions)
    if judged.finding is not None:
        words += f"{'held' if judged.finding.held else 'skipped'} {judged.finding.reason}"
    assert (words or "nothing") == expected


def test_the_items_of_a_subscription_that_goes_on_are_converted_where_the_policy_says_so() -> None:
    found = customer(item("a", -500), status="active")
    judged = judge_items(facts=found, currency="usd", policy=Policy(pending_items_of_active="convert"), now=NOW)
    assert [one.credit_minor for one in judged.conversions] == [500]


def test_only_prorations_may_leave_and_the_cause_is_told() -> None:
    goodwill = item("g", -700, proration=False)
    found = customer(item("a", -4_500, price="p1"), item("b", 1_200, price="p2"), goodwill)
    (conversion,) = judge_items(facts=found, currency="usd", policy=Policy(), now=NOW).conversions
    assert (conversion.credit_minor, conversion.proration_minor) == (4_000, 3_300)
    assert (conversion.cause, conversion.credited, conversion.since) == (Cause.PRICE, ("in_1",), NOW - 3 * DAY)
    unknown = customer(item("a", -4_500, credited_invoice=None))
    assert judge_items(facts=unknown, currency="usd", policy=Policy(), now=NOW).conversions[0].credited == ()


def test_a_plan_counts_what_would_be_converted() -> None:
    """Its lots have the place and the age that they will have."""
    made = planned(customer(item("a", -4_500), history="c1 -100 adjustment"))
    assert (made.reason, made.credit_minor, made.refundable_minor) == (None, 4_600, 4_500)
    assert [(lot.origin, lot.created) for lot in made.lots][-1] == (Origin.PRORATION, NOW - 3 * DAY)
    assert made == planned(customer(item("a", -4_500), history="c1 -100 adjustment"))


def test_only_subscriptions_whose_items_are_a_credit_are_read() -> None:
    items = (item("a", -5), item("b", 6, subscription="sub_2"), item("c", -1, subscription=None))
    assert subscriptions_to_read(items) == ("sub_1",)


def converted(*items: PendingItem, earlier: CustomerFacts | None = None) -> tuple[CustomerFacts, Conversion]:
    """The facts with the credit for these items on the balance, as Stripe would show it."""
    found = earlier or customer()
    judged = judge_items(facts=customer(*items), currency="usd", policy=Policy(), now=NOW)
    (conversion,) = judged.conversions
    ending = -found.customer.credit_minor - conversion.credit_minor
    row = replace(
        judged.facts.transactions[0],
        id=f"cbtxn_{len(found.transactions)}",
        metadata=write_mark(mark_of(conversion, customer="cus_1", case="case_1", run="run_1")),
        ending_balance_minor=ending,
    )
    holder = replace(found.customer, credit_minor=-ending)
    return replace(found, customer=holder, transactions=(row, *found.transactions), pending_items=()), conversion


def state(found: CustomerFacts, **states: ItemState) -> CustomerFacts:
    return replace(found, items_now={f"ii_{name}": ItemNow(id=f"ii_{name}", state=at) for name, at in states.items()})


def test_a_conversion_whose_item_still_exists_holds_the_customer() -> None:
    found, _ = converted(item("a", -4_500))
    for at in (ItemState.PENDING, ItemState.ATTACHED):
        held = planned(state(found, a=at))
        assert (held.reason, held.held, held.numbers["carried_minor"]) == (Reason.CONVERSION_UNFINISHED, True, -4_500)
    assert planned(found).reason is Reason.CONVERSION_UNFINISHED  # nobody looked
    assert planned(state(found, a=ItemState.GONE)).refundable_minor == 4_500


def test_what_was_credited_twice_leaves_once() -> None:
    """Two deployments credited the same item: the second credit is of unknown origin, and the customer is held."""
    once, _ = converted(item("a", -4_500))
    twice, _ = converted(item("a", -4_500), item("c", -700, proration=False), earlier=once)
    made = planned(state(twice, a=ItemState.GONE, c=ItemState.GONE))
    assert made.reason is Reason.CONVERSION_UNFINISHED
    assert [(lot.origin, lot.left_minor) for lot in made.lots] == [
        (Origin.PRORATION, 4_500),
        (Origin.UNKNOWN, 5_200),
    ]


def test_a_mark_reads_as_it_was_written_and_one_that_does_not_add_up_is_none_of_ours() -> None:
    found, conversion = converted(*(item(f"{number:024d}", -number) for number in range(1, 60)))
    mark = read_mark(found.transactions[0].metadata)
    assert mark is not None
    assert mark.items == conversion.items
    assert mark.converted is not None
    assert (mark.converted.cause, mark.converted.since) == (conversion.cause, conversion.since)
    assert all(len(content) <= 500 for content in found.transactions[0].metadata.values())
    row = replace(found.transactions[0], amount_minor=found.transactions[0].amount_minor - 1)
    assert carried_items((row,)) == {}
    bent = replace(
        found,
        customer=replace(found.customer, credit_minor=-row.amount_minor),
        transactions=(replace(row, ending_balance_minor=row.amount_minor),),
    )
    assert planned(bent).reason is Reason.MARK_UNREADABLE


def test_the_key_of_a_credit_names_the_items_and_how_often_they_were_named() -> None:
    _, conversion = converted(item("a", -4_500))
    keys = {
        credit_key(one, customer="cus_1", attempt=1)
        for one in (
            conversion,
            replace(conversion, earlier=1),
            replace(conversion, items=(replace(conversion.items[0], amount_minor=-4_501),)),
            replace(conversion, items=(replace(conversion.items[0], item="ii_z"),)),
        )
    }
    assert len(keys) == 4
    same = replace(conversion, subscription="sub_9", cause=Cause.OTHER_CHANGE, credited=(), since=5, proration_minor=0)
    assert credit_key(same, customer="cus_1", attempt=1) == credit_key(conversion, customer="cus_1", attempt=1)


def test_items_are_looked_at_while_a_lot_may_be_left_and_for_two_days() -> None:
    found, _ = converted(item("a", -4_500))
    row = replace(found.transactions[0], created=NOW - 3 * DAY)
    assert items_to_look_at((row,), now=NOW) == ("ii_a",)
    used = replace(row, id="cbtxn_9", amount_minor=4_500, ending_balance_minor=0, metadata={})
    assert items_to_look_at((used, row), now=NOW) == ()
    assert items_to_look_at((used, replace(row, created=NOW - 1 * DAY)), now=NOW) == ("ii_a",)
    late = unsettled((used, row), items_now={}, pending={"ii_a"}, currency="usd", now=NOW)
    assert [one.item for one in late] == ["ii_a"]
