"""Takes one customer whom a sweep or a name brought through a run: the customer was read, and nothing else."""

from refund_worker.domain.balances import own_currency, stated_credits
from refund_worker.domain.cases import Outcome
from refund_worker.domain.facts import Customer
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.examine_currencies import NOT_BEGUN, Examined, Reading, examine_currencies, read_customer
from refund_worker.usecases.gate import Gate
from refund_worker.usecases.read_facts import read_facts
from refund_worker.usecases.without_plan import read_or_fail, unplanned
from refund_worker.usecases.world import World


def examine_customer(
    world: World, gate: Gate, *, run: str, mode: RunMode, customer: Customer, pending_items: bool
) -> Examined:
    """Examine one customer's credit in each currency and do what the plans say.

    Args:
        pending_items: Whether there may be any; they are listed afresh then.
    """
    if gate.closed:
        return NOT_BEGUN

    def read() -> Reading | tuple[CaseResult, ...]:
        live = () if pending_items else _live_everywhere(world, customer)
        return live or read_customer(
            world, customer.id, lambda: read_facts(world, customer=customer, pending_items=pending_items)
        )

    found = read_or_fail(world, gate, customer, read)
    if isinstance(found, tuple):
        return Examined(results=found)
    return examine_currencies(world, gate, run=run, mode=mode, reading=found)


def _live_everywhere(world: World, customer: Customer) -> tuple[CaseResult, ...]:
    """The live cases of a customer who has one in each currency with credit: nothing need be read of such a one."""
    stated = {name: minor for name, minor in stated_credits(customer).items() if minor > 0}
    results = []
    for currency in sorted(stated) or [own_currency(customer)]:
        live = world.ledger.live_case_of(customer=customer.id, currency=currency)
        if live is None:
            return ()
        results.append(
            unplanned(
                live,
                customer,
                currency=currency,
                credit_minor=stated.get(currency, 0),
                outcome=Outcome.SKIPPED,
                reason=Reason.CASE_LIVE,
            )
        )
    return tuple(results)
