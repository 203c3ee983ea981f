"""Customers with more than one page of balance transactions, and histories that do not add up."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from refund_worker.domain.facts import CustomerBalanceTransaction
from refund_worker.domain.reasons import Reason
from refund_worker.ports import StripeGateway
from refund_worker.sandbox import Sandbox
from tests.crash.scenes import DAY_S, cancel, goodwill, subscribed, use_credit
from tests.usecases.stage import RESERVE, Stage, at
from tests.worlds import night, recovered

PAGE = 100


def _long(*, before: int, after: int) -> Stage:
    """Proration credit of 50.00 with so many grants of one cent before and after it."""
    sandbox = Sandbox(seed=7, renewals=False)
    customer, subscription = subscribed(sandbox)
    for _ in range(before):
        goodwill(sandbox, customer, 1)
    sandbox.clock.advance(15 * DAY_S)
    cancel(sandbox, subscription)
    for _ in range(after):
        goodwill(sandbox, customer, 1)
    return Stage(sandbox)


@pytest.mark.parametrize("after", [PAGE - 2, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 30])
def test_a_credit_older_than_a_page_is_refunded(after: int) -> None:
    """Older pages are read until the lots can be told."""
    stage = _long(before=3, after=after)
    night(stage.world())
    stage.check_at_rest(balance=-3 - after, refunded=5_000)


@pytest.mark.parametrize("after", [PAGE - 2, PAGE - 1, PAGE, 2 * PAGE + 30])
def test_a_reserve_is_replayed_over_pages(after: int) -> None:
    """An invoice in between, which uses the oldest credit first: three cents of goodwill, then proration credit."""
    stage = _long(before=3, after=after)
    night(stage.world(meet=at(RESERVE, "before", lambda: use_credit(stage.sandbox, 1_003))))
    stage.check_at_rest(balance=-after, refunded=4_000)


class _Lagging:
    """A gateway whose list of balance transactions lacks the oldest row: it never adds up."""

    def __init__(self, inner: StripeGateway) -> None:
        self._inner = inner
        self.lags = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def customer_balance_transactions(self, customer: str) -> Iterator[CustomerBalanceTransaction]:
        """Newest first, without the last."""
        rows = list(self._inner.customer_balance_transactions(customer))
        return iter(rows[:-1] if self.lags else rows)


def test_a_reserve_whose_history_does_not_add_up_is_given_back() -> None:
    """What cannot be judged is not refunded."""
    stage = _long(before=1, after=1)
    customer = stage.book.customer
    lagging: list[_Lagging] = []

    def meanwhile() -> None:
        goodwill(stage.sandbox, customer, 1)
        lagging[0].lags = True

    world = stage.world(meet=at(RESERVE, "before", meanwhile))
    lagging.append(_Lagging(world.stripe))
    night(replace(world, stripe=lagging[0]))

    assert stage.case.reason is Reason.CREDIT_MOVED
    stage.check_at_rest(balance=-5_003, refunded=0)


def test_a_ledger_lost_behind_a_page_is_mended() -> None:
    """The reserve's mark is found however far back it stands."""
    stage = _long(before=0, after=0)
    stage.kill_at(RESERVE, "after")
    stage.lose_ledger()
    for _ in range(PAGE + 20):
        goodwill(stage.sandbox, stage.book.customer, 1)
    stage.hours_pass(25)
    recovered(stage.world("recover"))
    stage.check_at_rest(balance=-5_000 - PAGE - 20, refunded=0)
    night(stage.world("night"))
    stage.check_at_rest(balance=-PAGE - 20, refunded=5_000)
