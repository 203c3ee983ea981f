"""Pending items of an ended subscription: credited, deleted, refunded; by one process, or by two deployments."""

from dataclasses import replace

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.policy import Policy
from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import RunMode
from refund_worker.sandbox import Sandbox
from refund_worker.usecases.mend_orphans import Finding
from refund_worker.usecases.run_gate import RunGate
from refund_worker.usecases.run_night import run_night
from tests.crash import item_judge, judge
from tests.crash.item_scenes import (
    ITEMS,
    cancel_pending,
    draft_takes_them,
    ended,
    invoice_takes_them,
    pending_items,
    upgraded_and_ended,
)
from tests.crash.scenes import DAY_S, cancel, goodwill, more_credit, subscribe, subscribed
from tests.usecases.stage import HOUR_S, MOVEMENTS, RESERVE, Fault, Stage, at
from tests.worlds import Silence, night, recovered, resume

CREDIT = "stripe.create_movement credit_items"
DELETE = "stripe.delete_item"
CORRECT = "stripe.create_movement correct:1"


def staged(build: object = ended) -> Stage:
    sandbox = Sandbox(seed=7, renewals=False)
    assert callable(build)
    build(sandbox)
    return Stage(sandbox)


def words(results: list[CaseResult]) -> list[tuple[str, str | None, int]]:
    return [(str(one.outcome), one.reason, one.refundable_minor) for one in results]


def moved(result: CaseResult) -> list[tuple[str, int]]:
    return [(one.step, one.amount_minor) for one in result.movements]


def check(stage: Stage, *, balance: int, refunded: int) -> None:
    """The money, and every item either gone and credited once, or there and not credited."""
    stage.check_at_rest(balance=balance, refunded=refunded)
    assert item_judge.unsettled(stage.sandbox) == []


def test_an_ended_subscriptions_items_are_credited_deleted_and_refunded() -> None:
    stage = staged()
    result = night(stage.world())
    assert words(result.cases) == [("refunded", None, 5_000)]
    assert moved(result.cases[0]) == [("credit_items", -5_000), ("reserve", 5_000)]
    assert result.summary()["totals"]["usd"]["credit_minor"] == 5_000  # type: ignore[index]  # plain JSON
    assert pending_items(stage.sandbox) == []
    check(stage, balance=0, refunded=5_000)


def test_a_plan_counts_what_would_be_converted_and_writes_nothing() -> None:
    stage = staged()
    before = len(stage.sandbox.request_log)
    result = night(stage.world(), mode=RunMode.PLAN)
    assert words(result.cases) == [("planned", None, 5_000)]
    assert {entry.method for entry in list(stage.sandbox.request_log)[before:]} == {"GET"}
    assert len(pending_items(stage.sandbox)) == 1


def test_credits_and_debits_of_one_subscription_are_summed() -> None:
    stage = staged(upgraded_and_ended)
    assert len(pending_items(stage.sandbox)) == 3
    (result,) = night(stage.world()).cases
    assert moved(result)[0] == ("credit_items", -3_334)
    check(stage, balance=0, refunded=3_334)


def test_the_items_of_a_subscription_that_goes_on_are_left_to_its_next_invoice() -> None:
    def downgraded(sandbox: Sandbox) -> None:
        _, subscription = subscribed(sandbox, price=10_000)
        sandbox.clock.advance(10 * DAY_S)
        item = sandbox.get(f"/v1/subscriptions/{subscription}")["items"]["data"][0]
        cheap = sandbox.post(
            "/v1/prices",
            {"product": item["price"]["product"], "unit_amount": 4_000, "currency": "usd",
             "recurring": {"interval": "month"}},
        )  # fmt: skip
        sandbox.post(f"/v1/subscriptions/{subscription}", {"items": [{"id": item["id"], "price": cheap["id"]}]})

    stage = staged(downgraded)
    result = night(stage.world())
    assert [(str(one.outcome), one.reason) for one in result.cases] == [("skipped", "pending_items_left")]
    assert len(pending_items(stage.sandbox)) == 2

    convert = Policy(pending_items_of_active="convert")
    assert words(night(stage.world("b", policy=convert)).cases) == [("refunded", None, 4_000)]
    check(stage, balance=0, refunded=4_000)


def test_goodwill_items_are_converted_beside_and_never_leave() -> None:
    def mixed(sandbox: Sandbox) -> None:
        ended(sandbox)
        goodwill(sandbox, sandbox.books()[0].customer, 2_000)

    stage = staged(mixed)
    night(stage.world())
    check(stage, balance=-2_000, refunded=5_000)


def test_what_is_on_the_balance_already_leaves_with_it() -> None:
    def both(sandbox: Sandbox) -> None:
        _, subscription = subscribed(sandbox)
        sandbox.build.prorations(subscription, named=True)  # else an invoice of the other one would take it
        sandbox.clock.advance(15 * DAY_S)
        cancel_pending(sandbox, subscription)
        more_credit(sandbox, 3_000)

    stage = staged(both)
    (result,) = night(stage.world()).cases
    assert (result.refundable_minor, moved(result)) == (8_000, [("credit_items", -5_000), ("reserve", 8_000)])
    check(stage, balance=0, refunded=8_000)


def test_two_subscriptions_that_ended_are_converted_one_after_the_other() -> None:
    def two(sandbox: Sandbox) -> None:
        customer, first = subscribed(sandbox)
        second = subscribe(sandbox, customer, price=6_000)["id"]
        sandbox.clock.advance(15 * DAY_S)
        cancel_pending(sandbox, first)
        cancel_pending(sandbox, second)

    stage = staged(two)
    (result,) = night(stage.world()).cases
    assert [step for step, _ in moved(result)] == ["credit_items", "credit_items", "reserve"]
    check(stage, balance=0, refunded=8_000)


@pytest.mark.parametrize("phase", ["before", "lost", "after"])
@pytest.mark.parametrize("step", [CREDIT, DELETE])
def test_a_second_deployment_goes_on_where_the_first_died(step: str, phase: str) -> None:
    """It has a ledger of its own, and only the marks to go by; it waits for nothing."""
    stage = staged()
    stage.kill_at(step, phase)
    stage.lose_ledger()
    assert words(night(stage.world("other")).cases) == [("refunded", None, 5_000)]
    check(stage, balance=0, refunded=5_000)


@pytest.mark.parametrize("phase", ["asked", "before", "after"])
@pytest.mark.parametrize("step", [CREDIT, DELETE, RESERVE])
def test_two_deployments_at_once_credit_once(step: str, phase: str) -> None:
    """The second does all its work while the first stands still; the first finds its key taken, or its items gone."""
    stage = staged()
    first, other = stage.ledger, SqlLedger.open("sqlite://")

    def others() -> None:
        stage.ledger = other
        night(stage.world("other"))
        stage.ledger = first

    night(stage.world("first", meet=at(step, phase, others)))
    for number, hours in enumerate((0, 25, 25)):
        stage.hours_pass(hours)
        night(stage.world(f"first{number}"))
    check(stage, balance=0, refunded=5_000)
    assert judge.exposure(stage.book) == []
    steps = [one.metadata.get("refund_worker_step") for one in stage.book.balance_transactions]
    assert steps.count("credit_items") == 1
    assert other.live_cases() == ()
    assert other.verify().ok


@pytest.mark.parametrize("step", [CREDIT, DELETE])
def test_two_deployments_with_different_sets_correct_what_both_credited(step: str) -> None:
    """One more item appears in between: other names, another key; both credit, and one is taken off again."""
    stage = staged(upgraded_and_ended)
    first, other = stage.ledger, SqlLedger.open("sqlite://")
    (subscription,) = (one["id"] for one in stage.sandbox.get("/v1/subscriptions", {"status": "all"})["data"])

    def others() -> None:
        stage.ledger = other
        stage.sandbox.post(
            "/v1/invoiceitems",
            {"customer": stage.book.customer, "subscription": subscription, "amount": -700, "currency": "usd"},
        )
        night(stage.world("other"))
        stage.ledger = first

    night(stage.world("first", meet=at(step, "before", others)))
    for number, hours in enumerate((1, 25, 25)):
        stage.hours_pass(hours)
        night(stage.world(f"first{number}"))
        stage.ledger = other
        night(stage.world(f"other{number}"))
        stage.ledger = first
    assert item_judge.unsettled(stage.sandbox) == []
    assert judge.exposure(stage.book) == []
    # The goodwill item is not proration, and stays.
    assert stage.money == (-700, 3_334)


def test_an_invoice_that_takes_the_item_before_the_deletion_is_told() -> None:
    stage = staged()
    result = night(stage.world(meet=at(DELETE, "before", lambda: invoice_takes_them(stage.sandbox))))
    assert words(result.cases) == [("skipped", "items_changed", 0)]
    assert moved(result.cases[0]) == [("credit_items", -5_000), ("correct:1", 5_000)]
    assert words(night(stage.world("b")).cases) == [("refunded", None, 5_000)]
    check(stage, balance=0, refunded=5_000)


def test_credits_and_debits_that_an_invoice_took_leave_other_credit_refundable() -> None:
    """Each item is corrected by itself, a debit among them: another cancellation's credit keeps its origin."""

    def mixed(sandbox: Sandbox) -> None:
        customer, first = subscribed(sandbox)
        cancel(sandbox, subscribe(sandbox, customer, price=4_000)["id"])
        sandbox.build.prorations(first, named=True)
        sandbox.clock.advance(10 * DAY_S)
        item = sandbox.get(f"/v1/subscriptions/{first}")["items"]["data"][0]["id"]
        sandbox.post(f"/v1/subscriptions/{first}", {"items": [{"id": item, "quantity": 2}]})
        sandbox.clock.advance(5 * DAY_S)
        cancel_pending(sandbox, first)

    def invoiced() -> None:
        customer, first = stage.book.customer, pending_items(stage.sandbox)[0]["parent"]["subscription_details"]
        fields = {"customer": customer, "subscription": first["subscription"], "auto_advance": False}
        draft = stage.sandbox.post("/v1/invoices", fields)
        stage.sandbox.post(f"/v1/invoices/{draft['id']}/finalize")

    stage = staged(mixed)
    assert stage.book.balance == -4_000
    (result,) = night(stage.world(meet=at(DELETE, "before", invoiced))).cases
    assert [step for step, _ in moved(result)] == ["credit_items", "correct:1", "correct:2", "correct:3"]
    night(stage.world("b"))
    check(stage, balance=0, refunded=7_334)


def test_a_draft_that_takes_the_item_gives_it_up_again() -> None:
    """Stripe deletes an item of a draft too: it is gone, and its credit stands."""
    stage = staged()
    night(stage.world(meet=at(DELETE, "before", lambda: draft_takes_them(stage.sandbox))))
    check(stage, balance=0, refunded=5_000)


def test_what_is_deleted_from_its_draft_later_is_put_back_and_never_leaves_as_cash() -> None:
    """It may have been our own deletion that came late: the customer is not left short, and a person may look."""
    stage = staged()
    (item,) = pending_items(stage.sandbox)
    night(stage.world(meet=at(CREDIT, "before", lambda: draft_takes_them(stage.sandbox))))
    assert stage.money == (0, 0)
    stage.sandbox.delete(f"/v1/invoiceitems/{item['id']}")
    assert [one.finding for one in recovered(stage.world("recover")).found] == [Finding.COMPLETED]
    assert [(str(one.outcome), one.reason) for one in night(stage.world("b")).cases] == [
        ("skipped", "no_refundable_credit")
    ]
    check(stage, balance=-5_000, refunded=0)


def test_without_the_permission_to_delete_the_credit_is_taken_off_and_the_run_stops() -> None:
    stage = staged()
    stage.sandbox.faults.add(Fault(kind="forbidden", method="DELETE", path=ITEMS, times=0))
    result = night(stage.world())
    assert words(result.cases) == [("skipped", "permission_missing", 0)]
    assert moved(result.cases[0]) == [("credit_items", -5_000), ("correct:1", 5_000)]
    assert str(result.status) == "stopped"
    check(stage, balance=0, refunded=0)


def test_a_credit_copied_to_another_customer_deletes_nothing_there() -> None:
    """Two customers were merged by hand, metadata and all: the item still waits for the first, the second is held."""
    stage = staged()
    stage.sandbox.faults.add(Fault(kind="forbidden", method="DELETE", path=ITEMS, times=0))
    night(stage.world())
    stage.sandbox.faults.clear()
    copied = stage.book.balance_transactions[0]
    other = stage.sandbox.post("/v1/customers", {})["id"]
    stage.sandbox.post(
        f"/v1/customers/{other}/balance_transactions",
        {"amount": copied.amount, "currency": "usd", "metadata": dict(copied.metadata)},
    )
    (held,) = night(stage.world("b"), other).cases
    assert (str(held.outcome), held.reason) == ("held", "mark_unreadable")
    assert recovered(stage.world("recover")).found == []
    assert len(pending_items(stage.sandbox)) == 1
    assert words(night(stage.world("c")).cases) == [("held", "mark_unreadable", 0), ("refunded", None, 5_000)]


def test_a_conversion_that_cannot_be_completed_holds_its_customer() -> None:
    """The credit is there, the item too: a plan says so, and nothing leaves."""
    stage = staged()
    stage.kill_at(DELETE, "before")
    stage.lose_ledger()
    planned = night(stage.world("plan"), mode=RunMode.PLAN)
    assert [(str(one.outcome), one.reason) for one in planned.cases] == [("held", "conversion_unfinished")]
    stage.sandbox.faults.add(Fault(kind="http_500", method="DELETE", path=ITEMS, times=0))
    assert [str(one.outcome) for one in night(stage.world("b")).cases] == ["unknown"]
    assert stage.book.refunded == 0
    stage.sandbox.faults.clear()
    stage.hours_pass(1)
    night(stage.world("c"))
    check(stage, balance=0, refunded=5_000)


def test_recover_completes_what_a_lost_ledger_left() -> None:
    stage = staged()
    stage.kill_at(DELETE, "before")
    stage.lose_ledger()
    (found,) = recovered(stage.world("recover")).found
    assert found.finding is Finding.COMPLETED
    assert pending_items(stage.sandbox) == []
    check(stage, balance=-5_000, refunded=0)
    assert recovered(stage.world("again")).found == []
    assert words(night(stage.world("night")).cases) == [("refunded", None, 5_000)]


def test_a_full_recover_looks_at_conversions_of_any_age() -> None:
    """An invoice took the item, and both credits were used: forty days later only the mark tells of it."""
    stage = staged()
    stage.kill_at(DELETE, "before")
    stage.lose_ledger()
    invoice_takes_them(stage.sandbox)
    path = f"/v1/customers/{stage.book.customer}/balance_transactions"
    stage.sandbox.post(path, {"amount": 10_000, "currency": "usd", "description": "paid out by hand"})
    stage.hours_pass(40 * 24)
    assert recovered(stage.world("recent"), full=False).found == []
    (found,) = recovered(stage.world("all")).found
    assert found.finding is Finding.COMPLETED
    check(stage, balance=5_000, refunded=0)


def test_resume_finishes_a_conversion_and_the_next_night_refunds_it() -> None:
    stage = staged()
    stage.kill_at(DELETE, "before")
    assert resume(stage.world("resume")).cases == []
    check(stage, balance=-5_000, refunded=0)
    assert words(night(stage.world("night")).cases) == [("refunded", None, 5_000)]


def test_during_a_halt_nothing_is_deleted_and_no_cash_leaves() -> None:
    stage = staged()
    queue = stage.ledger.queue
    halt = at(DELETE, "asked", lambda: queue.halt(reason="a test", by="nobody", now=stage.sandbox.clock.now))
    assert [(str(one.outcome), one.reason) for one in night(stage.world(meet=halt)).cases] == [("unknown", "halted")]
    assert len(pending_items(stage.sandbox)) == 1
    queue.unhalt(by="nobody", now=stage.sandbox.clock.now)
    night(stage.world("b"))
    check(stage, balance=0, refunded=5_000)


def test_a_signal_while_items_are_converted_lets_the_conversion_end_and_reserves_nothing() -> None:
    stage = staged()
    gate = RunGate(policy=Policy())
    world = stage.world("a", meet=at(DELETE, "before", gate.interrupt))
    result = run_night(world, gate, Silence(), mode=RunMode.RUN, command="run", threads=1)
    assert (str(result.status), result.cases) == ("interrupted", [])
    check(stage, balance=-5_000, refunded=0)
    assert words(night(stage.world("b")).cases) == [("refunded", None, 5_000)]
    check(stage, balance=0, refunded=5_000)


def test_a_deleted_item_can_be_made_again_from_its_record() -> None:
    """What the deletion's intent holds is what Stripe needs to make the item."""
    stage = staged()
    (before,) = pending_items(stage.sandbox)
    night(stage.world())
    case = next(one for one in stage.cases if one.converts)
    (deletion,) = [step for step in case.steps if step.kind == "delete_item"]
    record = deletion.params["record"]
    assert isinstance(record, dict)
    assert (record["customer"], record["currency"]) == (before["customer"], "usd")
    assert -deletion.amount_minor == before["amount"] == record["amount"]
    # It named no subscription, and is not made again with one; whose it was found to be is told beside it.
    (subscription,) = (one["id"] for one in stage.sandbox.get("/v1/subscriptions", {"status": "all"})["data"])
    assert "subscription" not in record
    assert record["also_read"]["found_subscription"] == subscription


def test_an_unanswered_credit_is_not_sent_again_when_its_items_changed() -> None:
    """Somebody deleted the item while the answer was out: whoever takes over sends nothing, and waits for the key."""
    stage = staged()
    stage.kill_at(CREDIT, "before")
    for item in pending_items(stage.sandbox):
        stage.sandbox.delete(f"/v1/invoiceitems/{item['id']}")
    night(stage.world("b"))
    assert stage.money == (0, 0)
    stage.hours_pass(25)
    night(stage.world("c"))
    assert stage.money == (0, 0)
    assert stage.ledger.live_cases() == ()


def test_a_credit_is_not_sent_later_than_four_hours_after_its_intent() -> None:
    stage = staged()
    stage.kill_at(CREDIT, "before")
    stage.hours_pass(5)
    assert [(str(one.outcome), one.reason) for one in night(stage.world("b")).cases][:1] == [
        ("unknown", "answer_unknown")
    ]
    assert [path for path in stage.writes if path.endswith("balance_transactions")] == []
    stage.hours_pass(HOUR_S // HOUR_S * 24)
    night(stage.world("c"))
    check(stage, balance=0, refunded=5_000)


def test_no_key_is_used_twice_by_one_ledger() -> None:
    """The credit was refused: the next night's credit for the same items has the next attempt's key."""
    stage = staged()
    stage.refuse(MOVEMENTS, code="balance_invalid")
    night(stage.world("a"))
    night(stage.world("b"))
    check(stage, balance=0, refunded=5_000)
    keys = [step.key for case in stage.cases for step in case.steps if step.kind == "credit_items"]
    assert sorted(key.rpartition(":")[2] for key in keys) == ["1", "2"]
    assert len({replace(case, steps=()).id for case in stage.cases}) == len(stage.cases)
