"""The states of a case and its steps: one table of transitions, and what stands."""

import pytest

from refund_worker.domain.cases import (
    CONVERTING,
    LIVE,
    TRANSITIONS,
    State,
    Step,
    StepState,
    TransitionNotAllowed,
    check_transition,
)

TABLE = """
           reserving refunding closing closed owed crediting deleting
reserving  no        yes       yes     yes    no     no        no
refunding  no        no        yes     yes    no     no        no
closing    no        no        no      yes    yes     no        no
closed     no        no        no      no     no     no        no
owed       no        no        no      yes    no     no        no
crediting  no        no        no        yes        no        no        yes
deleting   no        no        no        yes        no        no        no
"""


def _rows() -> list[tuple[State, State, bool]]:
    head, *rows = (line.split() for line in TABLE.strip().splitlines())
    return [
        (State(row[0]), State(after), word == "yes") for row in rows for after, word in zip(head, row[1:], strict=True)
    ]


@pytest.mark.parametrize(("before", "after", "allowed"), _rows())
def test_the_table_of_transitions(before: State, after: State, allowed: bool) -> None:
    """Every pair of states."""
    if allowed:
        check_transition(before=before, after=after)
    else:
        with pytest.raises(TransitionNotAllowed, match=f"{before} -> {after}"):
            check_transition(before=before, after=after)


def test_every_state_is_in_the_table_and_every_live_one_leads_to_an_end() -> None:
    """No live case can be stuck for want of a transition."""
    assert set(TRANSITIONS) == set(State)
    for state in LIVE:
        reached, seen = set(TRANSITIONS[state]), set[State]()
        while reached - seen:
            seen |= reached
            reached = {after for one in reached for after in TRANSITIONS[one]}
        assert State.CLOSED in seen


def test_live_is_from_the_reserves_intent_to_the_end() -> None:
    """Design section 4: live; an owed case is not."""
    assert {State.RESERVING, State.REFUNDING, State.CLOSING} | CONVERTING == LIVE


@pytest.mark.parametrize(
    ("state", "status", "stands"),
    [
        ("accepted", "succeeded", True),
        ("accepted", "pending", True),
        ("accepted", "requires_action", True),
        ("accepted", None, True),
        ("accepted", "failed", False),
        ("accepted", "canceled", False),
        ("intended", None, False),
        ("unknown", None, False),
        ("refused", None, False),
    ],
)
def test_what_stands(state: str, status: str | None, stands: bool) -> None:
    """Accepted, and not a refund that failed or was canceled; pending counts."""
    step = Step(
        name="refund:12", attempt=1, key="k", amount_minor=1, target="ch_1", params={}, before_minor=0,
        state=StepState(state), intended_at=1, status=status,
    )  # fmt: skip
    assert step.stands == stands
    assert step.kind == "refund"
