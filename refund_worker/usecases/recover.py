"""Finds what no ledger finishes and mends it: a lost ledger, a dead deployment, a refund that failed later.

Reservations are given back (`mend_orphans`), conversions of pending items completed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from refund_worker.domain.carried import carried_items, items_to_look_at
from refund_worker.domain.errors import LedgerError, NotFound, StripeError, Unauthorized
from refund_worker.domain.facts import CustomerBalanceTransaction
from refund_worker.domain.marks import readable_mark
from refund_worker.domain.runs import Run, RunMode, RunStatus
from refund_worker.usecases.convert_items import complete_shown
from refund_worker.usecases.mend_orphans import Finding, Recovered, mend_shown
from refund_worker.usecases.read_facts import with_charges_of_payments
from refund_worker.usecases.world import World

EVENTS_S = 30 * 24 * 3600  # Stripe keeps events for 30 days (docs.stripe.com/api/events)


@dataclass(slots=True, kw_only=True)
class RecoverResult:
    """What `recover` read and found."""

    run: str
    customers_read: int = 0
    found: list[Recovered] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


def recover(world: World, *, full: bool) -> RecoverResult:
    """Look for orphan reservations and give them back.

    Args:
        full: Read all customers; else those whose balance changed, or whose refund failed, in 30 days of events.

    Raises:
        StripeError: If the customers could not be listed.
    """
    run = Run(
        id=world.new_id("run"),
        account=world.account.id,
        livemode=world.account.livemode,
        command="recover",
        mode=RunMode.RUN,
        sweep=full,
        policy_digest=world.policy.digest(),
        started_at=world.clock.now(),
    )
    customers = _customers(world, full=full)
    # The first page is read before anything is written: a key that may not read it changes nothing.
    first = list(islice(customers, 1))
    with world.ledger.writing() as writer:
        writer.start_run(run, policy=world.policy)
    result = RecoverResult(run=run.id)
    status = RunStatus.STOPPED
    try:
        _mend(world, run, result, customers=chain(first, customers))
        status = RunStatus.FINISHED
    finally:
        _finish(world, run, result, status=status)
    return result


def _mend(world: World, run: Run, result: RecoverResult, *, customers: Iterable[str]) -> None:
    for customer in customers:
        result.customers_read += 1
        try:
            result.found.extend(_mend_customer(world, run, customer))
        except Unauthorized:
            raise
        except NotFound:
            continue  # deleted for good: nothing can be read of it, nothing given back
        except StripeError as error:
            result.unreadable[customer] = str(error)
        except LedgerError:
            raise
        except Exception as bug:  # noqa: BLE001  one customer's odd marks must not keep the others from being mended
            result.unreadable[customer] = f"a bug, please report it: {type(bug).__name__}: {bug}"


def _finish(world: World, run: Run, result: RecoverResult, *, status: RunStatus) -> None:
    summary = {
        "run": run.id,
        "customers_read": result.customers_read,
        "found": len(result.found),
        "unreadable": len(result.unreadable),
        "standings": [],
    }
    with world.ledger.writing() as writer:
        writer.finish_run(run=run.id, status=status, summary=summary, now=world.clock.now())


def _customers(world: World, *, full: bool) -> Iterator[str]:
    if full:
        yield from (customer.id for customer in world.stripe.customers() if not customer.deleted)
        return
    yield from dict.fromkeys(world.stripe.changed_customers(since=world.clock.now() - EVENTS_S))


def _mend_customer(world: World, run: Run, customer: str) -> Iterator[Recovered]:
    transactions = tuple(world.stripe.customer_balance_transactions(customer))
    if not any(readable_mark(transaction.metadata) for transaction in transactions):
        return
    yield from _complete_items(world, run, customer, transactions)
    charges = with_charges_of_payments(world.stripe, world.stripe.invoices(customer), world.stripe.charges(customer))
    yield from mend_shown(world, run=run.id, customer=customer, transactions=transactions, charges=charges)


def _complete_items(
    world: World, run: Run, customer: str, transactions: tuple[CustomerBalanceTransaction, ...]
) -> Iterator[Recovered]:
    """Settle the items of conversions that are not finished (rule CONVERSION_COMPLETED_FIRST).

    Where all customers are read, of whatever age: an item and its credit that invoices used long ago show nowhere else.
    """
    now = world.clock.now()
    carried = carried_items(transactions)
    names = set(items_to_look_at(transactions, now=now))
    names |= {one.item for one in carried.values() if run.sweep or one.newest > now - EVENTS_S}
    open_ = {carried[item].conversion for item in names if not carried[item].settled(world.stripe.item(item))}
    for row in (row for row in transactions if row.id in open_):
        for result in complete_shown(world, run=run.id, transactions=[row]):
            yield Recovered(
                customer=customer,
                currency=row.currency,
                case=result.case,
                debit=row.id,
                rest_minor=-row.amount_minor,
                finding=Finding.COMPLETED if result.ended_conversion else Finding.UNFINISHED,
                result=result,
            )
