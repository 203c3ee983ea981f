"""What a live case needs next, as tables: one line a case, last column the expected move.

    reserving | - | reserve#1 unknown | 20h | wait 24h

A line: state | covered | steps, comma-separated | age since the first intent | move. A step: `name#attempt state`, then
`/code`, `amount@charge`, a refund's status, `500` for a last send that a stored 500 answered, or `+19h` for a later
intent; `nothing` where the last send did nothing. The plan: 5,000 of one lot; charges new, old and oldest, with 3,000
left on each.
"""

import re
from dataclasses import replace

import pytest

from refund_worker.domain.cases import Case, Send, SendAnswer, State, Step, StepState
from refund_worker.domain.credit import Cause, Lot, Origin
from refund_worker.domain.marks import NamedLot
from refund_worker.domain.moves import (
    AdoptByMark,
    Cover,
    GiveBack,
    GoOn,
    IntendRefund,
    IntendReserve,
    Look,
    LookTwice,
    Move,
    Resend,
    Wait,
)
from refund_worker.domain.plans import Candidate, Plan, PlannedRefund
from refund_worker.domain.saga import next_move
from refund_worker.domain.steps import goes_out_at_a_halt, is_changed_charge, refusal_is_definite

BEGAN = 1_800_000_000
HOUR = 3_600


def _plan() -> Plan:
    lot = Lot(
        transaction="cbtxn_lot", created=1, origin=Origin.PRORATION, cause=Cause.CANCELLATION, subscription="sub_1",
        invoice="in_neg", opened_minor=5_000, left_minor=5_000,
    )  # fmt: skip
    candidates = tuple(
        Candidate(
            charge=name, subscription="sub_1", invoice=f"in_{name}", created=created, captured_minor=4_000,
            refunded_minor=1_000, refundable_minor=3_000, method="card",
        )
        for created, name in ((30, "new"), (20, "old"), (10, "oldest"))
    )  # fmt: skip
    refunds = tuple(
        PlannedRefund(charge=name, invoice=f"in_{name}", subscription="sub_1", amount_minor=amount)
        for name, amount in (("new", 3_000), ("old", 2_000))
    )
    return Plan(
        customer="cus_1", currency="usd", credit_minor=5_000, excluded_minor=0, refundable_minor=5_000, lots=(lot,),
        named_lots=(NamedLot(transaction="cbtxn_lot", amount_minor=5_000),), candidates=candidates, refunds=refunds,
        reason=None, held=False, numbers={}, digest="d",
    )  # fmt: skip


_STEP = re.compile(r"(?P<name>[a-z_:0-9]+)#(?P<attempt>\d) (?P<state>\w+)(?:/(?P<code>\w+))?(?P<rest>.*)")


def _step(text: str) -> Step:
    found = _STEP.fullmatch(text.strip())
    assert found, text
    words = found["rest"].split()
    part = next((word for word in words if "@" in word), None)
    amount, _, target = part.partition("@") if part else ("5000", "", "cus_1")
    later = next((_age(word.removeprefix("+")) for word in words if word.startswith("+")), 0)
    status = next((word for word in words if word in {"succeeded", "pending", "failed", "canceled"}), None)
    answer = SendAnswer.STORED_500 if "500" in words else SendAnswer.UNKNOWN
    answer = SendAnswer.NOTHING_HAPPENED if "nothing" in words else answer
    unsent = found["state"] == "intended" and "nothing" not in words
    sends = () if unsent else (Send(fence=1, sent_at=BEGAN, answered_at=BEGAN, answer=answer),)
    return Step(
        name=found["name"], attempt=int(found["attempt"]), key=f"key:{found['name']}:{found['attempt']}",
        amount_minor=int(amount), target=target, params={"metadata": {"refund_worker_invoice": f"in_{target}"}},
        before_minor=None, state=StepState(found["state"]), intended_at=BEGAN + later, stripe_id="id", status=status,
        code=found["code"], sends=sends,
    )  # fmt: skip


def _case(state: str, covered: str, steps: str) -> Case:
    return Case(
        id="case_1", run="run_1", account="acct_1", livemode=False, plan=_plan(), state=State(state), outcome=None,
        reason=None, opened_at=BEGAN, closed_at=None, covered_minor=None if covered == "-" else int(covered), fence=1,
        steps=tuple(_step(one) for one in steps.split(",") if one.strip() != "-"),
    )  # fmt: skip


def _age(text: str) -> int:
    hours, _, less = text.partition("-")
    return int(hours.removesuffix("h")) * HOUR - int(less or 0)


def _words(move: Move) -> str:
    match move:
        case IntendReserve(attempt=attempt):
            return f"intend reserve#{attempt}"
        case IntendRefund():
            assert move.invoice == f"in_{move.charge}"
            return f"intend {move.name}#{move.attempt} {move.amount_minor}@{move.charge}"
        case Resend(step=step) | LookTwice(step=step) | Look(step=step):
            return f"{type(move).__name__.lower()} {step.name}#{step.attempt}"
        case Cover(step=step):
            return f"cover {step.name}#{step.attempt}"
        case AdoptByMark(steps=steps):
            return "adopt " + " ".join(f"{step.name}#{step.attempt}" for step in steps)
        case GoOn(state=state, reason=reason):
            return f"go {state} {reason or '-'}"
        case GiveBack(debit=debit):
            return f"give back {debit.name}#{debit.attempt}"
        case Wait(until=until):
            return f"wait {(until - BEGAN) // HOUR}h"
        case _:
            raise AssertionError(f"{move} is a conversion's")


MOVES = """
reserving | -    | -                                                       | 0h    | intend reserve#1
reserving | -    | reserve#1 intended                                      | 0h    | resend reserve#1
reserving | -    | reserve#1 unknown                                       | 20h-1 | resend reserve#1
reserving | -    | reserve#1 unknown                                       | 20h   | wait 24h
reserving | -    | reserve#1 intended                                      | 20h   | wait 24h
reserving | -    | reserve#1 unknown                                       | 24h-1 | wait 24h
reserving | -    | reserve#1 unknown                                       | 24h   | adopt reserve#1
reserving | -    | reserve#1 intended                                      | 24h   | adopt reserve#1
reserving | -    | reserve#1 unknown 500                                   | 0h    | looktwice reserve#1
reserving | -    | reserve#1 unknown 500                                   | 20h   | wait 24h
reserving | -    | reserve#1 unknown 500                                   | 24h   | adopt reserve#1
reserving | -    | reserve#1 refused/absent_after_stored_500               | 0h    | intend reserve#2
reserving | -    | reserve#1 refused/absent_after_stored_500               | 20h   | go closed reserve_refused
reserving | -    | reserve#1 refused/absent_after_stored_500, reserve#2 unknown | 1h | resend reserve#2
reserving | -    | reserve#1 refused/absent_after_stored_500, reserve#2 unknown +19h | 20h-1 | resend reserve#2
reserving | -    | reserve#1 refused/absent_after_stored_500, reserve#2 unknown +19h | 20h   | wait 24h
reserving | -    | reserve#1 refused/absent_after_stored_500, reserve#2 unknown +19h | 24h   | adopt reserve#2
reserving | -    | reserve#1 refused/absent_by_mark                        | 24h   | go closed closed_by_mark
reserving | -    | reserve#1 refused/parameter_invalid                     | 0h    | go closed reserve_refused
reserving | -    | reserve#1 refused/resource_missing                      | 0h    | go closed customer_deleted
reserving | -    | reserve#1 refused/401                                   | 0h    | go closed permission_missing
reserving | -    | reserve#1 refused/403                                   | 0h    | go closed permission_missing
reserving | -    | reserve#1 accepted                                      | 0h    | cover reserve#1
reserving | -    | reserve#1 accepted                                      | 20h-1 | cover reserve#1
reserving | -    | reserve#1 accepted                                      | 20h   | go closing too_late
reserving | 5000 | reserve#1 accepted                                      | 0h    | go refunding -
refunding | 5000 | reserve#1 accepted                                      | 0h    | intend refund:1#1 3000@new
refunding | 5000 | reserve#1 accepted                                      | 20h-1 | intend refund:1#1 3000@new
refunding | 5000 | reserve#1 accepted                                      | 20h   | go closing too_late
refunding | 2000 | reserve#1 accepted                                      | 0h    | intend refund:1#1 2000@new
refunding | 1    | reserve#1 accepted                                      | 0h    | intend refund:1#1 1@new
refunding | 5000 | reserve#1 accepted, refund:1#1 intended 3000@new        | 0h    | resend refund:1#1
refunding | 5000 | reserve#1 accepted, refund:1#1 unknown 3000@new         | 20h   | wait 24h
refunding | 5000 | reserve#1 accepted, refund:1#1 unknown 3000@new         | 24h   | adopt refund:1#1
refunding | 5000 | reserve#1 accepted, refund:1#1 unknown 3000@new 500     | 0h    | looktwice refund:1#1
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/absent_after_stored_500 3000@new | 0h  | intend refund:1#2 3000@new
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/absent_after_stored_500 3000@new | 20h | go closing too_late
refunding | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new succeeded | 0h | intend refund:2#1 2000@old
refunding | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new pending   | 0h | intend refund:2#1 2000@old
refunding | 3000 | reserve#1 accepted, refund:1#1 accepted 3000@new succeeded | 0h | go closing credit_moved
refunding | 4000 | reserve#1 accepted, refund:1#1 accepted 3000@new succeeded | 0h | intend refund:2#1 1000@old
refunding | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new failed    | 0h | intend refund:2#1 3000@old
refunding | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new canceled  | 0h | intend refund:2#1 3000@old
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/charge_disputed 3000@new | 0h | intend refund:2#1 3000@old
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/charge_already_refunded 3000@new | 0h | go closing charge_changed
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/amount_too_large 3000@new        | 0h | go closing charge_changed
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/amount_above_remaining 3000@new  | 0h | go closing charge_changed
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/balance_insufficient 3000@new    | 0h | go closing funds_insufficient
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/insufficient_funds 3000@new      | 0h | go closing funds_insufficient
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/401 3000@new | 0h | go closing permission_missing
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/403 3000@new | 0h | go closing permission_missing
refunding | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new succeeded, refund:2#1 accepted 2000@old succeeded | 0h | go closing -
refunding | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new pending, refund:2#1 accepted 2000@old pending | 0h | go closing -
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/charge_disputed 3000@new, refund:2#1 accepted 3000@old succeeded | 0h | intend refund:3#1 2000@oldest
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/x 3000@new, refund:2#1 refused/x 3000@old, refund:3#1 refused/x 3000@oldest | 0h | go closing charges_exhausted
refunding | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new failed, refund:2#1 accepted 3000@old succeeded, refund:3#1 refused/x 2000@oldest | 0h | go closing refund_failed
closing   | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new succeeded | 0h   | give back reserve#1
closing   | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new succeeded | 900h | give back reserve#1
closing   | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new pending, give_back:1#1 accepted 2000@cus_1 | 0h | go closed -
closing   | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new failed, give_back:1#1 accepted 2000@cus_1  | 0h | give back reserve#1
closing   | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new failed, give_back:1#1 accepted 2000@cus_1, recredit:1#1 accepted 3000@cus_1 | 0h | go closed refund_failed
closing   | 0    | reserve#1 accepted, give_back:1#1 intended 5000@cus_1 | 0h | give back reserve#1
closing   | 0    | reserve#1 accepted, give_back:1#1 refused/x 5000@cus_1, give_back:1#2 accepted 5000@cus_1 | 0h | go closed -
closing   | 5000 | reserve#1 refused/absent_after_stored_500, reserve#2 accepted, give_back:1#1 unknown 5000@cus_1 | 0h | give back reserve#2
"""  # noqa: E501  a table: one line a case


@pytest.mark.parametrize("line", MOVES.strip().splitlines())
def test_the_next_move(line: str) -> None:
    """One line of the table."""
    state, covered, steps, age, move = (part.strip() for part in line.split("|"))
    case = _case(state, covered, steps)
    assert _words(next_move(case, now=BEGAN + _age(age))) == move


HALTED = """
reserving | -    | -                                             | 0h    | go closed halted
reserving | -    | reserve#1 intended                            | 0h    | go closed halted
reserving | -    | reserve#1 intended nothing                    | 0h    | go closed halted
reserving | -    | reserve#1 unknown nothing                     | 21h   | go closed halted
reserving | -    | reserve#1 unknown                             | 0h    | look reserve#1
reserving | -    | reserve#1 unknown                             | 21h   | look reserve#1
reserving | -    | reserve#1 unknown                             | 24h-1 | look reserve#1
reserving | -    | reserve#1 unknown                             | 24h   | adopt reserve#1
reserving | -    | reserve#1 unknown 500                         | 0h    | looktwice reserve#1
reserving | -    | reserve#1 refused/absent_after_stored_500     | 0h    | go closed halted
reserving | -    | reserve#1 refused/x                           | 0h    | go closed reserve_refused
reserving | -    | reserve#1 refused/absent_by_mark              | 24h   | go closed closed_by_mark
reserving | -    | reserve#1 accepted                            | 0h    | go closing halted
reserving | 5000 | reserve#1 accepted                            | 0h    | go closing halted
refunding | 5000 | reserve#1 accepted                            | 0h    | go closing halted
refunding | 5000 | reserve#1 accepted, refund:1#1 intended nothing 3000@new | 0h | go closing halted
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/charge_disputed 3000@new | 0h | go closing halted
refunding | 5000 | reserve#1 accepted, refund:1#1 refused/absent_after_stored_500 3000@new | 0h | go closing halted
refunding | 5000 | reserve#1 accepted, refund:1#1 unknown 3000@new | 0h | resend refund:1#1
refunding | 5000 | reserve#1 accepted, refund:1#1 unknown 3000@new | 24h | adopt refund:1#1
refunding | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new succeeded | 0h | intend refund:2#1 2000@old
refunding | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new failed | 0h | intend refund:2#1 3000@old
refunding | 5000 | reserve#1 accepted, refund:1#1 accepted 3000@new pending, refund:2#1 intended nothing 2000@old | 0h | resend refund:2#1
closing   | 5000 | reserve#1 accepted                            | 0h    | give back reserve#1
closing   | 5000 | reserve#1 accepted, give_back:1#1 accepted 5000@cus_1 | 0h | go closed -
"""  # noqa: E501  a table: one line a case


@pytest.mark.parametrize("line", HALTED.strip().splitlines())
def test_the_next_move_while_a_halt_stands(line: str) -> None:
    """Nothing begins; what was reserved is given back unless a refund of it was sent (rule HALT_BEGINS_NOTHING)."""
    state, covered, steps, age, move = (part.strip() for part in line.split("|"))
    case = _case(state, covered, steps)
    assert _words(next_move(case, now=BEGAN + _age(age), halted=True)) == move


AT_A_HALT = """
reserve    | reserve: -                                   | no
reserve    | reserve: unknown,-                           | no
refund:1   | reserve: accepted; refund:1: -               | no
refund:1   | reserve: accepted; refund:1: nothing_happened,- | no
refund:1   | reserve: accepted; refund:1: unknown,-       | yes
refund:1   | reserve: accepted; refund:1: -,-             | yes
refund:2   | reserve: accepted; refund:1: refused; refund:2: - | no
refund:2   | reserve: accepted; refund:1: accepted; refund:2: - | yes
refund:2   | reserve: accepted; refund:1: unknown; refund:2: - | yes
give_back:1 | reserve: accepted; give_back:1: -           | yes
recredit:1 | reserve: accepted; refund:1: accepted; recredit:1: - | yes
"""


@pytest.mark.parametrize("line", AT_A_HALT.strip().splitlines())
def test_what_goes_out_while_a_halt_stands(line: str) -> None:
    """The step in question | all steps with their sends, `-` open, the newest last | sent or not."""
    asked, known, out = (part.strip() for part in line.split("|"))
    states = {"accepted": StepState.ACCEPTED, "refused": StepState.REFUSED}
    steps = []
    for one in known.split(";"):
        name, answers = one.strip().split(": ")
        sends = tuple(
            Send(fence=1, sent_at=BEGAN, answer=None if word.strip() == "-" else SendAnswer(word.strip()))
            for word in answers.split(",")
        )
        state = states.get(answers.strip(), StepState.INTENDED)
        steps.append(replace(_step(f"{name}#1 intended"), state=state, sends=sends))
    case = replace(_case("refunding", "5000", "-"), steps=tuple(steps))
    step = next(one for one in steps if one.name == asked)
    assert goes_out_at_a_halt(case, step) == (out == "yes")


DEFINITE = """
reserve    | refused                    | fresh    | yes
refund:1   | refused                    | fresh    | yes
refund:1   | -,refused                  | fresh    | no
refund:1   | unknown,refused            | fresh    | no
refund:1   | refused,refused            | fresh    | yes
refund:1   | nothing_happened,refused   | fresh    | yes
refund:1   | refused,-,refused          | fresh    | no
refund:1   | -,refused                  | replayed | yes
refund:1   | unknown,refused            | replayed | yes
reserve    | -,refused                  | fresh    | no
give_back:1| refused                    | fresh    | no
give_back:1| refused                    | replayed | yes
recredit:1 | refused                    | fresh    | no
recredit:1 | refused,refused            | replayed | yes
"""


@pytest.mark.parametrize("line", DEFINITE.strip().splitlines())
def test_when_a_refusal_is_definite(line: str) -> None:
    """Step | sends, the newest last (`-` is open) | fresh or replayed | definite."""
    name, sends, kind, definite = (part.strip() for part in line.split("|"))
    answers = [None if word == "-" else SendAnswer(word) for word in sends.split(",")]
    step = Step(
        name=name, attempt=1, key="k", amount_minor=1, target="t", params={}, before_minor=None,
        state=StepState.INTENDED, intended_at=BEGAN,
        sends=tuple(Send(fence=place, sent_at=BEGAN, answer=answer) for place, answer in enumerate(answers, start=1)),
    )  # fmt: skip
    assert refusal_is_definite(step, replayed=kind == "replayed") == (definite == "yes")


CHANGED = """
charge_already_refunded | -      | yes
amount_too_large        | -      | yes
-                       | amount | yes
-                       | charge | no
-                       | -      | no
charge_disputed         | amount | no
charge_disputed         | -      | no
"""


@pytest.mark.parametrize("line", CHANGED.strip().splitlines())
def test_which_refusal_says_that_less_is_left_on_the_charge(line: str) -> None:
    """Code | parameter | yes or no."""
    code, param, changed = (None if part.strip() == "-" else part.strip() for part in line.split("|"))
    assert is_changed_charge(code=code, param=param) == (changed == "yes")
