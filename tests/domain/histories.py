"""Customer balance histories as text, one movement a line, oldest first; amounts in minor units with Stripe's sign.

invoice in_1 -4500: -5000p@sub_1 +500p@sub_1 -50      a total and its lines; p = proration, @ = subscription
invoice in_1 -4500: -5000p@sub_1$gold*2 -50           $ = price, * = quantity (1 where there is a price)
start +500                                            the balance before the first line; older rows were not read
c1 -4500 applied in_1                                 an invoice's movement: applied, unapplied, overpaid, too_small
c2 -1000 adjustment                                   a movement without an invoice: its type
c3 -1000 credit_note in_1
c4 +100 reserve c1:60,c2:40                           ours, naming lots
c5 -40 give_back c4                                   ours, naming the debit; also recredit
c6 -50 credit_items a:-80,b:30                        ours, for pending items of sub_1, all of them prorations
c7 +80 correct a:-80 c6                               ours, takes an item off again; names the credit
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from refund_worker.domain.conversions import Conversion, NamedItem
from refund_worker.domain.credit import Cause, Lot, Origin, Replay
from refund_worker.domain.facts import CustomerBalanceTransaction, Invoice, InvoiceLine
from refund_worker.domain.marks import Mark, NamedLot, mark_of, write_mark
from refund_worker.domain.provenance import replay

PRORATION = frozenset({Origin.PRORATION})
_INVOICE_TYPES = {
    "applied": "applied_to_invoice",
    "unapplied": "unapplied_from_invoice",
    "overpaid": "invoice_overpaid",
    "too_small": "invoice_too_small",
}


@dataclass(slots=True)
class History:
    """A parsed history; transactions are newest first, as Stripe lists them."""

    currency: str = "usd"
    transactions: list[CustomerBalanceTransaction] = field(default_factory=list)
    invoices: dict[str, Invoice] = field(default_factory=dict)
    complete: bool = True
    balance: int = 0


def parse(text: str, *, currency: str = "usd") -> History:
    """Read a history from its text."""
    history = History(currency=currency)
    for line in (line.strip() for line in text.strip().splitlines()):
        words = line.split()
        if words[0] == "invoice":
            invoice = _invoice(line, currency)
            history.invoices[invoice.id] = invoice
        elif words[0] == "start":
            history.balance, history.complete = int(words[1]), False
        else:
            _append(history, words)
    return history


def replayed(history: History, *, up_to: str | None = None, before: bool = False) -> Replay:
    """Its lots, where only proration may leave."""
    return replay(
        transactions=history.transactions,
        currency=history.currency,
        invoices=history.invoices,
        refundable_origins=PRORATION,
        complete=history.complete,
        up_to=up_to,
        before=before,
    )


def lots_in_words(replayed: Replay) -> str:
    """A replay as one line: its lots, then what is owed and unfunded where there is any."""
    words = [_lot_in_words(lot) for lot in replayed.lots]
    if replayed.owed_minor:
        words.append(f"owed {replayed.owed_minor}")
    words += [f"unfunded {short(debit)} {amount}" for debit, amount in replayed.unfunded_minor.items()]
    return ", ".join(words)


def short(transaction: str) -> str:
    """`cbtxn_7` as the tables write it: c7."""
    return transaction.replace("cbtxn_", "c")


def long(name: str) -> str:
    """`c7` as Stripe would write it: cbtxn_7."""
    return "cbtxn_" + name.removeprefix("c")


def _lot_in_words(lot: Lot) -> str:
    kind = "/".join(word for word in (lot.origin, lot.subscription, lot.cause) if word)
    return f"{short(lot.transaction)} {kind} {lot.left_minor}"


def _invoice(line: str, currency: str) -> Invoice:
    head, _, body = line.partition(":")
    _, name, total = head.split()
    return Invoice(
        id=name,
        status="paid",
        created=1,
        currency=currency,
        total_minor=int(total),
        lines=tuple(_line(word, place) for place, word in enumerate(body.split())),
    )


def _line(word: str, place: int) -> InvoiceLine:
    amount, _, owner = word.partition("@")
    subscription, _, sold = owner.partition("$")
    price, _, quantity = sold.partition("*")
    return InvoiceLine(
        id=f"il_{place}",
        amount_minor=int(amount.removesuffix("p")),
        proration=amount.endswith("p"),
        subscription=subscription or None,
        price=price or None,
        quantity=int(quantity or 1) if price else None,
    )


def _append(history: History, words: list[str]) -> None:
    name, amount, kind, *rest = words
    history.balance += int(amount)
    history.transactions.insert(
        0,
        CustomerBalanceTransaction(
            id=long(name),
            customer="cus_1",
            created=100 + len(history.transactions),
            amount_minor=int(amount),
            currency=history.currency,
            ending_balance_minor=history.balance,
            type=_INVOICE_TYPES.get(kind, kind if _mark(kind, rest) == {} else "adjustment"),
            invoice=rest[0] if kind in {*_INVOICE_TYPES, "credit_note"} and rest else None,
            credit_note="cn_1" if kind == "credit_note" else None,
            metadata=_mark(kind, rest),
        ),
    )


def _mark(kind: str, rest: list[str]) -> Mapping[str, str]:
    if kind == "reserve":
        lots = tuple(_named(word) for word in rest[0].split(","))
        return write_mark(Mark(case="case_1", run="run_1", step="reserve", lots=lots))
    if kind in {"give_back", "recredit"}:
        debit = long(rest[0]) if rest else None
        return write_mark(Mark(case="case_1", run="run_1", step=f"{kind}:1", debit=debit))
    if kind == "credit_items":
        return write_mark(mark_of(_conversion(rest[0]), customer="cus_1", case="case_1", run="run_1"))
    if kind == "correct":
        items = tuple(_item(word) for word in rest[0].split(","))
        mark = Mark(case="case_1", run="run_1", step="correct:1", items=items, conversion=long(rest[1]))
        return write_mark(mark)
    return {}


def _conversion(words: str) -> Conversion:
    items = tuple(_item(word) for word in words.split(","))
    return Conversion(
        subscription="sub_1",
        currency="usd",
        items=items,
        proration_minor=-sum(item.amount_minor for item in items),
        cause=Cause.CANCELLATION,
        since=1,
    )


def _item(word: str) -> NamedItem:
    name, _, amount = word.partition(":")
    return NamedItem(item=f"ii_{name}", amount_minor=int(amount))


def _named(word: str) -> NamedLot:
    name, _, amount = word.partition(":")
    transaction, _, part = name.partition("@")
    return NamedLot(transaction=long(transaction), amount_minor=int(amount), part=part or None)
