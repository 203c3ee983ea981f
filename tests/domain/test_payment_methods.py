"""The tables of payment methods: each row is known to Stripe, has its page, and stands in the docs as it is here."""

import re
from pathlib import Path

from refund_worker.domain.bank_debits import BANK_DEBITS
from refund_worker.domain.payment_methods import PAYMENT_METHODS
from refund_worker.domain.refund_windows import REFUND_WINDOWS

PAGE = (Path(__file__).parents[2] / "docs" / "payment-methods.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)


def rows(heading: str) -> dict[str, list[str]]:
    """The table below a heading of the page: a method's cells by the method."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return {method: rest.split(" | ") for method, rest in ROW.findall(section)}


def link(source: str) -> str:
    """The page of a row, as the docs name it."""
    assert re.fullmatch(r"[a-z0-9/-]+", source)
    return f"[{source}](https://docs.stripe.com/{source})"


def test_refund_windows_in_the_docs_are_those_in_force() -> None:
    assert rows("Refund windows") == {
        method: [str(window.days), link(window.source)] for method, window in REFUND_WINDOWS.items()
    }


def test_bank_debits_in_the_docs_are_those_in_force() -> None:
    assert rows("Bank debits") == {
        method: ["always" if debit.days is None else str(debit.days), debit.words, link(debit.source)]
        for method, debit in BANK_DEBITS.items()
    }


def test_each_method_is_one_of_stripes() -> None:
    """Every bank debit has a refund window too."""
    assert set(REFUND_WINDOWS) <= PAYMENT_METHODS
    assert set(BANK_DEBITS) <= set(REFUND_WINDOWS)
