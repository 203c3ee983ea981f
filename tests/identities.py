"""The identities of a run, recomputed from its `--json` object, and the sums of money, from the sandbox's books.

Any test that makes a run may call these; nothing here trusts a sum of the program's own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from refund_worker.entrypoints.json_form import run_json
from refund_worker.sandbox import Books
from refund_worker.usecases.run_night import RunResult

MARK_OF_CASE = "refund_worker_case"  # spelt out: the judge does not ask the program how it marks
_KEYS = ("run", "mode", "status", "customers_read", "counts", "totals", "cases")
_KEYS_OF_CASE = (
    *("case", "customer", "currency", "credit_minor", "excluded_minor", "refundable_minor"),
    *("outcome", "reason", "digest", "refunds", "movements"),
)
_STANDS = {"pending", "requires_action", "succeeded"}


def shown(result: RunResult) -> dict[str, Any]:
    """What `--json` would print of a run."""
    return run_json(result.summary(), result.cases)


def check_identities(run: Mapping[str, Any]) -> None:
    """Recompute both identities of a `run`, `plan` or `resume` object, its sums from its cases; check its keys."""
    counts, cases = run["counts"], run["cases"]
    assert tuple(run) == _KEYS
    assert {tuple(case) for case in cases} <= {_KEYS_OF_CASE}
    outcomes = Counter(case["outcome"] for case in cases)
    assert counts["examined"] == len(cases) == sum(number for name, number in counts.items() if name != "examined")
    assert {name: number for name, number in counts.items() if number and name != "examined"} == dict(outcomes)
    assert sorted(run["totals"]) == sorted({case["currency"] for case in cases})
    for currency, totals in run["totals"].items():
        _check_totals(totals, [case for case in cases if case["currency"] == currency])


def _check_totals(totals: Mapping[str, int], cases: list[Mapping[str, Any]]) -> None:
    assert all(amount >= 0 for amount in totals.values())
    assert totals["credit_minor"] == totals["excluded_minor"] + totals["refundable_minor"]
    assert totals["refundable_minor"] == sum(
        totals[name] for name in ("refunded_minor", "pending_minor", "planned_minor", "held_minor", "left_minor")
    )
    for case in cases:
        assert case["credit_minor"] == case["excluded_minor"] + case["refundable_minor"]
    for name in ("credit_minor", "excluded_minor", "refundable_minor"):
        assert totals[name] == sum(case[name] for case in cases)
    assert totals["refunded_minor"] == _sum_of_refunds(cases, {"succeeded"})
    assert totals["pending_minor"] == _sum_of_refunds(cases, {"pending", "requires_action"})
    assert totals["held_minor"] == sum(case["refundable_minor"] for case in cases if case["outcome"] == "held")
    if not any(case["outcome"] in {"failed", "unknown"} for case in cases):  # these may have begun and not ended
        assert totals["planned_minor"] == _sum_of_refunds(cases, {None})


def _sum_of_refunds(cases: Iterable[Mapping[str, Any]], statuses: set[str | None]) -> int:
    return sum(refund["amount_minor"] for case in cases for refund in case["refunds"] if refund["status"] in statuses)


def check_money(*, before: Iterable[Books], after: Iterable[Books]) -> None:
    """Compare the books around a run: per customer and currency no cent is lost, made or paid twice.

    Raises:
        AssertionError: If what was refunded and the credit that is left are not the credit from before (pending
            invoice items count as credit too), a charge gave more than it had captured, or our movements differ from
            our refunds and the items that we put on the balance.
    """
    was = {(books.customer, books.currency): books for books in before}
    for now in after:
        then = was.get((now.customer, now.currency))
        assert then is not None, f"{now.customer} has books in {now.currency} that it had not before"
        sent = now.refunded + now.pending - then.refunded - then.pending
        converted = _pending_minor(now) - _pending_minor(then)
        assert -now.balance + sent == -then.balance + converted, (
            f"{now.customer}: {then.balance} and items of {converted} became {now.balance} and {sent}"
        )
        for charge in now.charges:
            assert charge.refunded <= charge.captured, f"{charge.charge} gave more than it had"
        ours = [move.amount for move in now.balance_transactions if MARK_OF_CASE in move.metadata]
        assert sum(ours) == our_refunds_minor(now) - converted, f"{now.customer}: debited {sum(ours)}"


def _pending_minor(books: Books) -> int:
    """The sum of the pending invoice items, Stripe's sign."""
    return sum(item.amount for item in books.pending_items)


def our_refunds_minor(books: Books) -> int:
    """The refunds that carry our mark and stand, minor units."""
    return sum(one.amount for one in books.refunds if MARK_OF_CASE in one.metadata and one.status in _STANDS)
