"""Marks and keys: written, read again, and refused where somebody edited them."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refund_worker.domain.marks import (
    VALUE_LENGTH_MAX,
    Mark,
    MarkUnreadable,
    NamedLot,
    give_back_key,
    read_mark,
    step_key,
    write_mark,
)

_ids = st.text(string.ascii_letters + string.digits, min_size=1, max_size=40)
_lots = st.lists(
    st.builds(
        NamedLot,
        transaction=_ids.map(lambda word: f"cbtxn_{word}"),
        amount_minor=st.integers(min_value=1, max_value=10**12),
        part=st.none() | _ids,
    ),
    max_size=60,
).map(tuple)


_marks = st.builds(
    Mark,
    case=_ids,
    run=_ids,
    step=st.sampled_from(["reserve", "refund:12", "give_back:1", "recredit:3"]),
    lots=_lots,
    debit=st.none() | _ids,
    invoice=st.none() | _ids,
    refund=st.none() | _ids,
)


@given(mark=_marks)
def test_what_was_written_is_read_again(mark: Mark) -> None:
    """Any mark, with any number of lots; each value within Stripe's 500 characters."""
    metadata = write_mark(mark)
    assert read_mark(metadata) == mark
    assert all(0 < len(value) <= VALUE_LENGTH_MAX == 500 for value in metadata.values())
    assert len(metadata) <= 50  # docs.stripe.com/api/metadata
    assert mark.kind == mark.step.rstrip(":0123456789")


def test_lots_spread_over_numbered_keys_where_they_need_to() -> None:
    """The first key has no number, the second has 2; no lot is cut in two."""
    lots = tuple(NamedLot(transaction=f"cbtxn_{number:020d}", amount_minor=100) for number in range(40))
    metadata = write_mark(Mark(case="case_1", run="run_1", step="reserve", lots=lots))
    keys = [key for key in metadata if key.startswith("refund_worker_lots")]
    assert keys == ["refund_worker_lots", "refund_worker_lots_2", "refund_worker_lots_3"]
    assert sum(metadata[key].count(":") for key in keys) == 40
    assert read_mark(metadata) == Mark(case="case_1", run="run_1", step="reserve", lots=lots)


@pytest.mark.parametrize(("longest", "keys"), [(158, 1), (159, 2)])
def test_a_comma_counts_too(longest: int, keys: int) -> None:
    """Three lots of 166 characters and two commas fill a value to its last character; one more does not fit."""
    lots = tuple(NamedLot(transaction=f"cbtxn_{'a' * length}", amount_minor=1) for length in (longest, 158, 158))
    metadata = write_mark(Mark(case="c", run="r", step="reserve", lots=lots))
    assert sum(key.startswith("refund_worker_lots") for key in metadata) == keys
    assert max(len(value) for value in metadata.values()) <= 500


def test_metadata_of_others_is_no_mark() -> None:
    """Their keys do not matter, and an empty case (Stripe deletes such keys) is none."""
    assert read_mark({}) is None
    assert read_mark({"order": "42", "refund_worker_run": "run_1"}) is None
    assert read_mark({"refund_worker_case": ""}) is None


EDITED = {
    "no run": {"refund_worker_case": "c", "refund_worker_step": "reserve"},
    "no step": {"refund_worker_case": "c", "refund_worker_run": "r"},
    "lots without amount": {"lots": "cbtxn_1"},
    "a lot of zero": {"lots": "cbtxn_1:0"},
    "a negative lot": {"lots": "cbtxn_1:-5"},
    "a decimal lot": {"lots": "cbtxn_1:5.00"},
    "an empty lot": {"lots": "cbtxn_1:5,"},
    "lots with spaces": {"lots": "cbtxn_1:5, cbtxn_2:5"},
    "another kind of object": {"lots": "ch_1:5"},
    "a digit of another script": {"lots": "cbtxn_1:٥"},
    "empty lots": {"lots": ""},
}


@pytest.mark.parametrize("metadata", EDITED.values(), ids=EDITED)
def test_an_edited_mark_is_unreadable(metadata: dict[str, str]) -> None:
    """It is never guessed at."""
    if "lots" in metadata:
        metadata = {
            "refund_worker_case": "c",
            "refund_worker_run": "r",
            "refund_worker_step": "reserve",
            "refund_worker_lots": metadata["lots"],
        }
    with pytest.raises(MarkUnreadable):
        read_mark(metadata)


def test_a_key_names_the_intent_and_the_attempt() -> None:
    """Another case, step or attempt is another key; the same is the same."""
    keys = {
        step_key(case=case, step=step, attempt=attempt)
        for case in ("case_1", "case_11")
        for step in ("reserve", "refund:1", "refund:11")
        for attempt in (1, 2, 11)
    }
    assert len(keys) == 18
    assert step_key(case="case_1", step="refund:1", attempt=2) == "refund_worker:case_1:refund:1:2"


def test_the_key_of_a_give_back_names_the_debit_and_what_came_back_so_far() -> None:
    """Rule GIVE_BACK_KEY_IS_COMPARE_AND_SET: no case, no run, no deployment in it."""
    assert give_back_key(debit="cbtxn_1", returned_minor=0, attempt=1) == "give_back:cbtxn_1:0:1"
    keys = {
        give_back_key(debit=debit, returned_minor=returned, attempt=attempt)
        for debit in ("cbtxn_1", "cbtxn_10")
        for returned in (0, 1, 10)
        for attempt in (1, 2)
    }
    assert len(keys) == 12


def test_every_key_is_within_stripes_255_characters() -> None:
    """docs.stripe.com/api/idempotent_requests."""
    assert len(step_key(case="case_" + "a" * 40, step="refund:99999", attempt=99)) < 255
    assert len(give_back_key(debit="cbtxn_" + "a" * 100, returned_minor=10**14, attempt=99)) < 255
