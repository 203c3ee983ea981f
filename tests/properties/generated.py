"""Generated histories and charges, as the text of `tests.domain`: a failing example reads like a line of a table."""

from collections.abc import Sequence

from hypothesis import strategies as st

_INVOICES = """\
invoice in_p -100: -100p@sub_1
invoice in_q -100: -160p@sub_2 +60p@sub_2
invoice in_m -100: -60p@sub_1 -40
invoice in_t -100: -30p@sub_1 -50p@sub_2 -20
invoice in_a 100: +100
invoice in_b 100: +100
"""
_NEGATIVE = ("in_p", "in_q", "in_m", "in_t")
_POSITIVE = ("in_a", "in_b")
_GOODWILL = ("adjustment", "initial", "migration", "credit_note in_a", "overpaid in_b", "applied in_unlisted")
_WORDS = ("proration", "proration", "goodwill", "use", "unapply", "by_hand", "reserve", "reserve", "return", "return")

_MOVE = st.tuples(st.sampled_from(_WORDS), st.integers(1, 120), st.integers(0, 9), st.integers(1, 120))


def histories(max_moves: int = 14) -> st.SearchStrategy[str]:
    """Any order of credits, uses, voided invoices, hand-made debits, reserves and returns."""
    return st.lists(_MOVE, min_size=1, max_size=max_moves).map(_text)


def credits_only() -> st.SearchStrategy[list[tuple[str, int]]]:
    """Credits of subscriptions: (subscription, amount)."""
    one = st.tuples(st.sampled_from(("sub_1", "sub_2")), st.integers(1, 900))
    return st.lists(one, min_size=1, max_size=5)


def credits_as_text(found: Sequence[tuple[str, int]]) -> str:
    """The history of those credits, one negative invoice each."""
    lines = []
    for place, (subscription, amount) in enumerate(found):
        lines.append(f"invoice in_n{place} -{amount}: -{amount}p@{subscription}")
        lines.append(f"c{place} -{amount} applied in_n{place}")
    return "\n".join(lines)


_FLAGS = ("", "", "", "disputed", "uncaptured", "connect", "record", "legacy", "currency=eur", "status=failed")
_CHARGE = st.tuples(
    st.integers(1, 600), st.sampled_from(("sub_1", "sub_2")), st.integers(0, 3), st.sampled_from(_FLAGS)
)


def charges() -> st.SearchStrategy[str]:
    """Charges that paid one invoice each, some partly refunded, some of no use."""
    return st.lists(_CHARGE, max_size=6).map(
        lambda found: "\n".join(
            f"ch_{place} {amount} in_{place}@{subscription} refunded={amount * thirds // 3} {flag}"
            for place, (amount, subscription, thirds, flag) in enumerate(found)
        )
    )


def shared_charges() -> st.SearchStrategy[str]:
    """Charges that paid an invoice of each of two subscriptions."""
    pair = st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(0, 900))
    return st.lists(pair, max_size=5).map(
        lambda found: "\n".join(
            f"ch_{place} {one + two} in_a{place}@sub_1:{one} in_b{place}@sub_2:{two} captured={captured}"
            for place, (one, two, captured) in enumerate(found)
        )
    )


def _text(moves: Sequence[tuple[str, int, int, int]]) -> str:
    lines: list[str] = []
    opened: list[str] = []
    reserved: list[str] = []
    for place, (word, amount, which, other) in enumerate(moves):
        name = f"c{place}"
        if word == "proration":
            lines.append(f"{name} -{amount} applied {_NEGATIVE[which % 4]}")
            opened.append(name)
        elif word == "goodwill":
            lines.append(f"{name} -{amount} {_GOODWILL[which % 6]}")
            opened.append(name)
        elif word == "use":
            lines.append(f"{name} +{amount} applied {_POSITIVE[which % 2]}")
        elif word == "unapply":
            lines.append(f"{name} -{amount} unapplied {_POSITIVE[which % 2]}")
        elif word == "reserve" and opened:
            first, second = opened[which % len(opened)], opened[-1]
            lines.append(f"{name} +{amount + other} reserve {first}:{amount},{second}:{other}")
            reserved.append(name)
        elif word == "return" and reserved:
            kind = "recredit" if which % 3 == 0 else "give_back"
            lines.append(f"{name} -{amount} {kind} {reserved[which % len(reserved)]}")
        else:
            lines.append(f"{name} +{amount} adjustment")
    return _INVOICES + "\n".join(lines)
