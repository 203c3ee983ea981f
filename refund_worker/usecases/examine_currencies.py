"""Takes a customer whose facts were read through a run, one currency with credit after the other.

Each currency has a case, a hold or a skip of its own, and none keeps another from being looked at. An examination that
is stopped between two of them is harmless: the next one reads everything anew.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from refund_worker.domain.balances import credit_in, currencies_to_plan
from refund_worker.domain.cases import Outcome
from refund_worker.domain.errors import LedgerError
from refund_worker.domain.facts import CustomerFacts
from refund_worker.domain.nights import Admission
from refund_worker.domain.planning import plan as make_plan
from refund_worker.domain.plans import Plan
from refund_worker.domain.reasons import Reason
from refund_worker.domain.results import CaseResult, Movement
from refund_worker.domain.runs import RunMode
from refund_worker.usecases.act_on_plan import Basis, admit_plan, execute_plan
from refund_worker.usecases.convert_items import complete_unfinished
from refund_worker.usecases.gate import Gate
from refund_worker.usecases.past_cases import PastCases, past_cases
from refund_worker.usecases.read_facts import read_facts_of, read_statement_again
from refund_worker.usecases.settle_items import movements_of, settle_items
from refund_worker.usecases.without_plan import fail_customer, read_or_fail, unplanned
from refund_worker.usecases.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What an examination brought.

    Attributes:
        results: One per currency, in order of their codes; none where there is no credit.
        complete: False where the gate closed before every currency was begun.
    """

    results: tuple[CaseResult, ...] = ()
    complete: bool = True


NOT_BEGUN = Examined(complete=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A customer's facts, and what the ledger knew of the customer before they were read."""

    facts: CustomerFacts
    past: PastCases


def read_customer(world: World, customer: str, read: Callable[[], CustomerFacts]) -> Reading:
    """Ask the ledger, then read the facts: in this order a case that closes meanwhile is noticed.

    Raises:
        StripeError: If a list could not be read.
    """
    past = past_cases(world, customer)
    return Reading(facts=read(), past=past)


def examine_currencies(
    world: World, gate: Gate, *, run: str, mode: RunMode, reading: Reading, again: bool = True
) -> Examined:
    """Plan each currency with credit and do what its plan says.

    Args:
        again: Also try what Stripe refused to the end a short while ago.
    """
    examination = _Examination(world=world, gate=gate, run=run, mode=mode, again=again, reading=reading)
    return examination.make()


def end_standings(world: World, *, run: str, customer: str, but: tuple[str, ...] = ()) -> None:
    """End the holds and skips of a customer in currencies in which there is no credit any more."""
    ended = [one.plan.currency for one in world.ledger.standings(customer=customer) if one.plan.currency not in but]
    if not ended:
        return
    with world.ledger.writing() as writer:
        for currency in ended:
            writer.end_standing(customer=customer, currency=currency, now=world.clock.now(), run=run)


@dataclass(slots=True, kw_only=True)
class _Examination:
    """One customer's. `reading` is renewed where a decision needs newer facts, for the currencies that follow too."""

    world: World
    gate: Gate
    run: str
    mode: RunMode
    again: bool
    reading: Reading
    results: list[CaseResult] = field(default_factory=list)
    compared: bool = False

    def make(self) -> Examined:
        currencies = currencies_to_plan(self.reading.facts)
        for currency in currencies:
            found = self._guarded(currency)
            if found is None:
                return Examined(results=tuple(self.results), complete=False)
            self.results.append(found)
        end_standings(self.world, run=self.run, customer=self.reading.facts.customer.id, but=currencies)
        return Examined(results=tuple(self.results))

    def _guarded(self, currency: str) -> CaseResult | None:
        """One currency; a bug is its failed case with the traceback, and takes nothing from what another brought."""
        if self.results and (self.gate.closed or self.results[-1].stops_the_run):
            return None
        customer = self.reading.facts.customer
        try:
            found = read_or_fail(self.world, self.gate, customer, lambda: self._examine(currency), currency=currency)
        except LedgerError:
            raise
        except Exception as bug:  # noqa: BLE001  whatever a bug raises is this case's failure, told with its traceback
            found = fail_customer(self.world, bug, customer, currency=currency)
        return found[0] if isinstance(found, tuple) else found

    def _examine(self, currency: str) -> CaseResult | None:
        world, facts = self.world, self.reading.facts
        live = world.ledger.live_case_of(customer=facts.customer.id, currency=currency)
        if live is not None:
            return self._skipped(live, currency, reason=Reason.CASE_LIVE)
        movements: tuple[Movement, ...] = ()
        if self.mode is RunMode.RUN:
            completed = complete_unfinished(world, run=self.run, facts=facts, currency=currency)
            movements = movements_of(completed)
            if completed:
                self._read_again()
            if any(not one.ended_conversion for one in completed):
                return completed[-1]
        found = self._act(currency)
        return None if found is None else replace(found, movements=movements + found.movements)

    def _act(self, currency: str) -> CaseResult | None:
        world = self.world
        plan = self._planned(currency)
        refused = None if self.again or plan.reason is not None else self._refused_lately(plan)
        if refused is not None:
            return self._skipped(refused, currency, reason=Reason.CHARGES_EXHAUSTED)
        admitted = admit_plan(world, self.gate, run=self.run, mode=self.mode, plan=plan)
        if isinstance(admitted, CaseResult):
            return admitted
        if admitted is Admission.STOPPED:
            return None
        settled = settle_items(world, run=self.run, plan=plan, basis=self._basis(currency), again=self._planned_again)
        if settled.result is None and settled.movements and self.gate.interrupted:
            return None  # converting took its time: what is on the balance now waits for the next run
        found = settled.result or self._execute(settled.plan, settled.basis)
        return None if found is None else replace(found, movements=settled.movements + found.movements)

    def _execute(self, plan: Plan, basis: Basis) -> CaseResult | None:
        if plan.reason is None:
            return execute_plan(self.world, run=self.run, plan=plan, basis=basis)
        standing = admit_plan(self.world, self.gate, run=self.run, mode=self.mode, plan=plan)
        return standing if isinstance(standing, CaseResult) else None

    def _planned_again(self, currency: str) -> tuple[Plan, Basis]:
        """What the plan is when pending items have become credit."""
        self._read_again()
        return self._planned(currency), self._basis(currency)

    def _read_again(self) -> None:
        customer = self.reading.facts.customer.id
        self.reading = read_customer(
            self.world, customer, lambda: read_facts_of(self.world, customer=customer, pending_items=True)
        )

    def _planned(self, currency: str) -> Plan:
        """The plan; where the balances disagree they are read once more: the customer may have been read long ago."""
        plan = self._plan(currency)
        if plan.reason is Reason.BALANCE_DISAGREES and not self.compared:
            self.compared = True
            facts = read_statement_again(self.world, self.reading.facts)
            self.reading = replace(self.reading, facts=facts)
            plan = self._plan(currency)
        return plan

    def _plan(self, currency: str) -> Plan:
        world = self.world
        return make_plan(
            facts=self.reading.facts,
            currency=currency,
            policy=world.policy,
            account=world.account,
            now=world.clock.now(),
        )

    def _basis(self, currency: str) -> Basis:
        return Basis(newest=self.reading.past.newest(currency), read_at=self.reading.facts.read_at)

    def _refused_lately(self, plan: Plan) -> str | None:
        case = self.reading.past.refused_lately(plan, now=self.world.clock.now())
        return None if case is None else case.id

    def _skipped(self, case: str, currency: str, *, reason: Reason) -> CaseResult:
        facts = self.reading.facts
        credit = credit_in(facts, currency)
        return unplanned(
            case, facts.customer, currency=currency, credit_minor=credit, outcome=Outcome.SKIPPED, reason=reason
        )
