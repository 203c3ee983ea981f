"""Judges the conversions from Stripe's objects alone: what the marks carried of each item, and whether it is gone."""

from collections import Counter
from collections.abc import Iterator, Mapping

from refund_worker.sandbox import Books, Sandbox


def unsettled(sandbox: Sandbox) -> list[str]:
    """At rest: an item that exists is not on the balance, one that is gone is, once."""
    found = []
    for book in sandbox.books():
        for item, (named, carried) in carried_of(book).items():
            wanted = 0 if exists(sandbox, item) else named
            if carried != wanted:
                found.append(f"{item}: {carried} of it are on the balance, not {wanted}")
    return found


def both_exist(sandbox: Sandbox) -> list[str]:
    """Items of which something is on the balance although they exist: then no cash may leave."""
    return [
        f"{item}: it exists, and {carried} of it are on the balance"
        for book in sandbox.books()
        for item, (_, carried) in carried_of(book).items()
        if carried and exists(sandbox, item)
    ]


def carried_of(book: Books) -> dict[str, tuple[int, int]]:
    """Per item: its amount by the newest credit, and what is on the balance of it; Stripe's sign of the item."""
    named: dict[str, int] = {}
    carried: Counter[str] = Counter()
    for movement in book.balance_transactions:
        step = movement.metadata.get("refund_worker_step", "")
        for item, amount in items_of(movement.metadata):
            if step == "credit_items":
                named[item] = amount
                carried[item] += amount
            elif step.startswith("correct:"):
                carried[item] -= amount
    return {item: (amount, carried[item]) for item, amount in named.items()}


def exists(sandbox: Sandbox, item: str) -> bool:
    """Whether Stripe still has it: pending, on a draft, or on an invoice."""
    return sandbox.world.store.get("invoiceitem", item) is not None


def items_of(metadata: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """The items that a mark names, with their amounts."""
    for name, content in metadata.items():
        if name.startswith("refund_worker_items"):
            for word in content.split(","):
                item, _, amount = word.rpartition(":")
                yield item, int(amount)
