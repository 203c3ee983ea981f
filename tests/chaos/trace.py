"""All that is known of a customer whose money is wrong: Stripe's books beside what each ledger recorded."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg

from tests.chaos.deployment import Deployment
from tests.chaos.people import Crowd

_OF_CASES = "(select id from cases where customer = '{}')"
_REFUNDS = f"(select stripe_id from steps where case_id in {_OF_CASES})"  # noqa: S608  the words are ours
_TABLES = {
    "cases": "customer = '{}'",
    "steps": f"case_id in {_OF_CASES} order by case_id, position",
    "sends": f"case_id in {_OF_CASES} order by case_id, step, attempt, position",
    "audit_entries": "customer = '{}' order by sequence",
    "queue": "customer = '{}'",
    "shared_runs": "'{}' <> '' order by name",
    "watched_refunds": "customer = '{}'",
    "events": f"customer = '{{}}' or refund in {_REFUNDS} order by received_at, created",
}


def write_traces(crowd: Crowd, deployments: Sequence[Deployment], path: Path) -> None:
    """Write what is known of everybody whose money is wrong."""
    wrong = dict.fromkeys(line.partition(":")[0] for line in crowd.wrong())
    path.write_text("\n".join(line for customer in wrong for line in _trace(crowd, deployments, customer)))


def _trace(crowd: Crowd, deployments: Sequence[Deployment], customer: str) -> Iterator[str]:
    """Lines about one customer."""
    yield f"=== {customer}"
    for book in (book for book in crowd.books() if book.customer == customer):
        yield f"balance {book.balance}, refunded {book.refunded}, pending {book.pending}"
        yield from (f"  {charge}" for charge in book.charges)
        yield from (f"  {refund}" for refund in book.refunds)
        yield from (f"  {movement}" for movement in book.balance_transactions)
    for one in deployments:
        for table, of in _TABLES.items():
            query = f"select * from {table} where {of.replace('{}', customer)}"  # noqa: S608  names of ours
            yield from (f"{one.name} {table}: {row}" for row in _rows(one, query))


def _rows(deployment: Deployment, query: str) -> Sequence[object]:
    try:
        return deployment.trail.rows(query)
    except psycopg.Error as error:
        return [f"{type(error).__name__}: {error}"]
