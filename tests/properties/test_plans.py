"""Plans for any customer."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from refund_worker.domain.charges import candidates
from refund_worker.domain.credit import Lot, Origin
from refund_worker.domain.facts import CustomerBalanceTransaction, CustomerFacts, Invoice
from refund_worker.domain.marks import Mark, write_mark
from refund_worker.domain.plans import Plan
from refund_worker.domain.policy import Policy
from tests.domain.customers import NOW, facts, planned
from tests.properties.generated import charges, credits_as_text, credits_only, histories, shared_charges

NO_LIMIT = Policy(case_limit_minor={"usd": 10**9})
CREDITS = credits_only()


def refundable_charges(found: CustomerFacts, subscription: str) -> int:
    made = candidates(facts=found, subscription=subscription, currency="usd", policy=NO_LIMIT, now=NOW)
    return sum(one.refundable_minor for one in made)


def reserved(found: CustomerFacts, made: Plan) -> CustomerFacts:
    """The facts after the plan's reserve."""
    newest = found.transactions[0]
    debit = CustomerBalanceTransaction(
        id="cbtxn_99",
        customer="cus_1",
        created=newest.created + 1,
        amount_minor=made.planned_minor,
        currency="usd",
        ending_balance_minor=newest.ending_balance_minor + made.planned_minor,
        type="adjustment",
        metadata=write_mark(Mark(case="case_1", run="run_1", step="reserve", lots=made.named_lots)),
    )
    return replace(found, transactions=(debit, *found.transactions))


def given_back(found: CustomerFacts) -> CustomerFacts:
    """The facts after all of the newest reserve was given back."""
    debit = found.transactions[0]
    mark = Mark(case="case_1", run="run_1", step="give_back:1", debit=debit.id)
    row = replace(
        debit,
        id="cbtxn_100",
        amount_minor=-debit.amount_minor,
        ending_balance_minor=debit.ending_balance_minor - debit.amount_minor,
        metadata=write_mark(mark),
    )
    return replace(found, transactions=(row, *found.transactions))


def goodwill(lots: tuple[Lot, ...]) -> list[Lot]:
    return [lot for lot in lots if lot.origin is not Origin.PRORATION]


@given(CREDITS, charges())
def test_planned_is_the_least_of_refundable_lots_and_refundable_charges(
    credit: list[tuple[str, int]], charged: str
) -> None:
    """Per subscription, as no charge is shared."""
    found = facts(credits_as_text(credit), charged)
    lots: Counter[str] = Counter()
    for subscription, amount in credit:
        lots[subscription] += amount
    expected = {name: min(lots[name], refundable_charges(found, name)) for name in ("sub_1", "sub_2")}
    made = planned(found, policy=NO_LIMIT)
    refunds: Counter[str] = Counter()
    for refund in made.refunds:
        refunds[refund.subscription] += refund.amount_minor
    if not made.held:  # a hold shows the same refunds, another customer's state may stand behind it
        assert made.planned_minor == sum(expected.values())
    assert dict(refunds) == {name: amount for name, amount in expected.items() if amount}


@given(CREDITS, shared_charges())
def test_no_charge_gives_more_than_is_refundable_on_it(credit: list[tuple[str, int]], charged: str) -> None:
    found = facts(credits_as_text(credit), charged)
    made = planned(found, policy=NO_LIMIT)
    refundable = {(one.charge, one.subscription): one.refundable_minor for one in made.candidates}
    remaining = {charge.id: charge.remaining_minor for charge in found.charges}
    together: Counter[str] = Counter()
    for refund in made.refunds:
        assert 0 < refund.amount_minor <= refundable[(refund.charge, refund.subscription)]
        together[refund.charge] += refund.amount_minor
    assert all(amount <= remaining[charge] for charge, amount in together.items())
    assert made.planned_minor <= made.refundable_minor <= made.credit_minor


@given(CREDITS, shared_charges(), st.sampled_from(("sub_1", "sub_2")), st.integers(1, 500))
def test_more_credit_never_plans_less(
    credit: list[tuple[str, int]], charged: str, subscription: str, more: int
) -> None:
    less = planned(facts(credits_as_text(credit), charged), policy=NO_LIMIT)
    longer = planned(facts(credits_as_text([*credit, (subscription, more)]), charged), policy=NO_LIMIT)
    assert longer.planned_minor >= less.planned_minor


@given(CREDITS, shared_charges(), CREDITS)
def test_currencies_never_mix(dollars: list[tuple[str, int]], charged: str, euros: list[tuple[str, int]]) -> None:
    """Credit, charges and invoices in another currency change neither lots nor refunds, nor what holds them."""
    alone = facts(credits_as_text(dollars), charged)
    foreign = facts(credits_as_text(euros), charged.replace("ch_", "ch_eur").replace(" in_", " in_eur"), currency="eur")
    rows = tuple(replace(row, id=f"{row.id}_eur") for row in foreign.transactions)
    invoices = tuple(one for one in foreign.invoices if not one.id.startswith("in_n"))
    both = replace(
        alone,
        transactions=(*rows, *alone.transactions),
        invoices=(*invoices, *alone.invoices),
        charges=(*foreign.charges, *alone.charges),
    )
    expected, made = planned(alone, policy=NO_LIMIT), planned(both, policy=NO_LIMIT)
    assert (made.lots, made.candidates, made.credit_minor) == (
        expected.lots,
        expected.candidates,
        expected.credit_minor,
    )
    assert made.refunds == expected.refunds
    assert (made.reason, made.digest) == (expected.reason, expected.digest)


@given(histories(), shared_charges())
def test_goodwill_is_never_named_by_a_plan(history: str, charged: str) -> None:
    """A reserve of the whole plan leaves every other lot as it was; giving it back leaves all as it was."""
    found = facts(history, charged)
    before = planned(found, policy=NO_LIMIT)
    if before.planned_minor == 0:
        return
    left = sum(lot.left_minor for lot in goodwill(before.lots))
    assert before.planned_minor <= before.credit_minor - left
    after = reserved(found, before)
    assert goodwill(planned(after, policy=NO_LIMIT).lots) == goodwill(before.lots)
    assert planned(given_back(after), policy=NO_LIMIT).lots == before.lots


@given(histories(), shared_charges())
def test_what_is_named_is_what_is_planned(history: str, charged: str) -> None:
    made = planned(facts(history, charged), policy=NO_LIMIT)
    assert sum(lot.amount_minor for lot in made.named_lots) == made.planned_minor
    assert made.credit_minor == made.excluded_minor + made.refundable_minor
    assert min(made.credit_minor, made.excluded_minor, made.refundable_minor) >= 0


@given(histories(), shared_charges())
def test_the_same_facts_give_the_same_plan(history: str, charged: str) -> None:
    assert planned(facts(history, charged)) == planned(facts(history, charged))


@given(
    total=st.integers(1, 900),
    goodwill=st.integers(0, 900),
    paid_before=st.integers(0, 900),
    credited=st.lists(st.integers(1, 900), min_size=1, max_size=3),
)
def test_goodwill_does_not_become_cash_by_way_of_an_invoice(
    total: int, goodwill: int, paid_before: int, credited: list[int]
) -> None:
    """However an invoice was paid and its time is credited: what is planned is no more than what was paid in money."""
    goodwill = min(goodwill, total)
    paid_before = min(paid_before, total - goodwill)
    before = f"invoice in_p -{paid_before}: -{paid_before}p@sub_1\nc_p -{paid_before} applied in_p"
    rows = [before] if paid_before else []
    rows += [f"c_g -{goodwill} adjustment"] if goodwill else []
    rows += [f"c_u +{goodwill + paid_before} applied in_1"] if goodwill + paid_before else []
    for place, amount in enumerate(credited):
        rows.append(f"invoice in_c{place} -{amount}: -{amount}p@sub_1\nc_{place} -{amount} applied in_c{place}")
    found = facts("\n".join(rows), f"ch_0 9000 in_0@sub_1\nch_1 {total - goodwill - paid_before} in_1@sub_1")
    invoices = tuple(_crediting(one, total) for one in found.invoices)
    made = planned(replace(found, invoices=invoices), policy=NO_LIMIT)
    if goodwill and not made.held:
        assert made.planned_minor <= total - goodwill
    if sum(credited) <= total - goodwill:
        assert (made.reason, made.planned_minor) == (None, sum(credited))


def _crediting(invoice: Invoice, total: int) -> Invoice:
    """The invoice of the bill with its whole total; a credit names it as the one whose time it gives back."""
    if invoice.id == "in_1":
        return replace(invoice, total_minor=total)
    lines = tuple(replace(line, credited_invoice="in_0" if invoice.id == "in_p" else "in_1") for line in invoice.lines)
    return replace(invoice, lines=lines)
