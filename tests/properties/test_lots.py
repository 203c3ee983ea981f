"""Lots replayed from any history."""

from hypothesis import given
from hypothesis import strategies as st

from refund_worker.domain.credit import Origin, Replay
from refund_worker.domain.provenance import enough, replay
from tests.domain.histories import History, parse
from tests.properties.generated import histories

PRORATION = frozenset({Origin.PRORATION})


def replayed(history: History, *, rows: int | None = None, up_to: str | None = None) -> Replay:
    return replay(
        transactions=history.transactions[:rows],
        currency="usd",
        invoices=history.invoices,
        refundable_origins=PRORATION,
        complete=rows is None,
        up_to=up_to,
    )


@given(histories())
def test_lots_sum_to_the_credit_at_every_moment(text: str) -> None:
    """Sum of the lots - unfunded - owed = what Stripe says the credit is."""
    history = parse(text)
    for transaction in history.transactions:
        result = replayed(history, up_to=transaction.id)
        lots = sum(lot.left_minor for lot in result.lots)
        assert lots - sum(result.unfunded_minor.values()) - result.owed_minor == -transaction.ending_balance_minor
        assert result.credit_minor == -transaction.ending_balance_minor


@given(histories())
def test_no_lot_grows_and_none_is_left_while_something_is_owed(text: str) -> None:
    result = replayed(parse(text))
    assert all(0 < lot.left_minor <= lot.opened_minor for lot in result.lots)
    assert not (result.owed_minor and result.lots)
    assert all(amount > 0 for amount in result.unfunded_minor.values())


@given(histories(), st.integers(1, 14))
def test_reading_further_back_than_enough_changes_nothing(text: str, rows: int) -> None:
    history = parse(text)
    if enough(history.transactions[:rows], currency="usd", invoices=history.invoices):
        assert replayed(history, rows=rows) == replayed(history)


@given(histories())
def test_an_untouched_history_has_no_malformed_marks(text: str) -> None:
    assert replayed(parse(text)).malformed_marks == ()


@given(histories())
def test_no_more_proration_is_left_than_its_invoices_booked(text: str) -> None:
    """Whatever goodwill lies beside it, and however often it was reserved and returned."""
    history = parse(text)
    left: dict[str, int] = {}
    for lot in replayed(history).lots:
        if lot.origin is Origin.PRORATION:
            assert lot.invoice is not None
            left[lot.invoice] = left.get(lot.invoice, 0) + lot.left_minor
    booked = {"in_p": 100, "in_q": 100, "in_m": 60, "in_t": 80}
    assert all(amount <= booked[invoice] for invoice, amount in left.items())
