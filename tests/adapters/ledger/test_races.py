"""All come at the same moment: what is read and then written ends as if one had come after the other."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any, TypeVar

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import Claim, State
from refund_worker.domain.errors import CaseIsLive, ClaimLost
from refund_worker.domain.reasons import Reason
from tests.adapters.ledger.examples import (
    ACCOUNT,
    LEASE_S,
    NOW,
    POLICY,
    Way,
    a_case,
    a_plan,
    a_run,
    a_standing,
    a_step,
    opened,
    read,
    started,
)

T = TypeVar("T")
MANY = 8


def at_once(work: Callable[[int], T]) -> list[T]:
    """Let eight threads do it in the same moment; what each returned."""
    barrier = Barrier(MANY)

    def begin(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(begin, range(MANY)))


def test_one_binds(ledger: SqlLedger) -> None:
    """The others find it bound."""
    assert sorted(at_once(lambda _: ledger.bind(ACCOUNT, now=NOW))) == [False] * (MANY - 1) + [True]
    assert ledger.verify().ok


def test_each_run_has_its_own_position(ledger: SqlLedger) -> None:
    """And the policy stands once."""
    ledger.bind(ACCOUNT, now=NOW)

    def starts(number: int) -> None:
        with ledger.writing() as writer:
            writer.start_run(a_run(f"run_{number}"), policy=POLICY)

    at_once(starts)
    assert read(ledger, "SELECT position FROM runs ORDER BY position") == [(number + 1,) for number in range(MANY)]
    assert read(ledger, "SELECT count(*) FROM policies") == [(1,)]
    assert ledger.verify().ok


def test_one_standing_stands(ledger: SqlLedger) -> None:
    """The same hold found by eight: one row; the others keep it."""
    started(ledger)

    def stands(number: int) -> Any:
        with ledger.writing() as writer:
            return writer.stand(a_standing(f"case_h{number}"))

    assert len({standing.id for standing in at_once(stands)}) == 1
    assert read(ledger, "SELECT count(*) FROM standings") == [(1,)]
    assert ledger.verify().ok


def test_standings_of_two_reasons_take_turns(ledger: SqlLedger) -> None:
    """Each ends the one before it; one stands, however they meet, also where others end it meanwhile."""
    started(ledger)
    reasons = (Reason.ABOVE_LIMIT, Reason.OPEN_INVOICE)

    def turns(number: int) -> None:
        for turn in range(5):
            with ledger.writing() as writer:
                if number == 0:
                    writer.end_standing(customer="cus_1", currency="usd", now=NOW + turn, run="run_1")
                else:
                    writer.stand(a_standing(f"case_h{number}_{turn}", reason=reasons[(number + turn) % 2]))

    at_once(turns)
    assert len(list(ledger.standings())) <= 1
    assert ledger.verify().problem is None


def test_one_adopts_the_orphan(ledger: SqlLedger) -> None:
    """Also under ids of their own, for one customer has one live case; the others hear that it is live."""
    started(ledger)

    def adopts(case: str) -> Claim | None:
        try:
            with ledger.writing() as writer:
                return writer.adopt_orphan(a_case(case), run="run_1", worker=case, lease_s=LEASE_S)
        except CaseIsLive:
            return None

    claims = [claim for claim in at_once(lambda _: adopts("case_lost")) if claim is not None]
    assert [claim.fence for claim in claims] == [1]
    Way(ledger=ledger, claim=claims[0]).move(State.CLOSED)
    again = [claim for claim in at_once(lambda _: adopts("case_lost")) if claim is not None]
    assert [claim.fence for claim in again] == [2]
    Way(ledger=ledger, claim=again[0]).move(State.CLOSED)
    assert len([claim for claim in at_once(lambda number: adopts(f"case_{number}")) if claim is not None]) == 1
    assert ledger.verify().problem is None


def test_a_case_that_is_live_leaves_the_transaction_usable(ledger: SqlLedger) -> None:
    """What else the transaction writes is kept, as on SQLite."""
    started(ledger)
    opened(ledger)
    with ledger.writing() as writer:
        try:
            writer.open_case(a_case("case_2"), worker="second", lease_s=LEASE_S)
        except CaseIsLive:
            writer.plan_only(case="case_p", run="run_1", plan=a_plan(), now=NOW)
    assert read(ledger, "SELECT case_id FROM plans") == [("case_p",)]
    assert ledger.verify().ok


def test_a_writer_with_the_older_claim_meets_the_newer(ledger: SqlLedger) -> None:
    """Seven write with an expired claim while one takes the case: whoever writes later writes nothing."""
    started(ledger)
    first = opened(ledger)

    def meets(number: int) -> str:
        if number == 0:
            taken = ledger.claim("case_1", worker="second", now=NOW + LEASE_S, lease_s=LEASE_S, run="run_1")
            return "claimed" if taken is not None else "not claimed"
        try:
            with ledger.writing() as writer:
                writer.intend(first, a_step(f"refund:{number}"))
        except ClaimLost:
            return "lost"
        return "written"

    met = at_once(meets)
    assert met[0] == "claimed"
    kept = read(ledger, "SELECT position FROM steps ORDER BY position")
    assert [position for (position,) in kept] == list(range(1, met.count("written") + 1))
    after = read(ledger, "SELECT kind FROM audit_entries ORDER BY sequence")
    assert after[-1] == ("case_claimed",), "nothing of the older claim comes after"
    assert ledger.verify().ok


def test_a_claim_belongs_to_the_run_that_is_named(ledger: SqlLedger) -> None:
    """Two runs go on: each acts in its own; without a name it is the run that opened the case."""
    started(ledger)
    ledger.release(opened(ledger))
    with ledger.writing() as writer:
        for run in ("run_2", "run_3"):
            writer.start_run(a_run(run), policy=POLICY)
    for named in ("run_2", None):
        claim = ledger.claim("case_1", worker="second", now=NOW, lease_s=LEASE_S, run=named)
        assert claim is not None
        ledger.release(claim)
    claimed = read(ledger, "SELECT run FROM audit_entries WHERE kind = 'case_claimed' ORDER BY sequence")
    assert claimed == [("run_2",), ("run_1",)]
    held = replace(a_standing(plan=a_plan("cus_2")), run="run_3")
    with ledger.writing() as writer:
        writer.stand(held)
        writer.end_standing(customer="cus_2", currency="usd", now=NOW, run="run_2")
    assert read(ledger, "SELECT run FROM audit_entries WHERE kind = 'standing_ended'") == [("run_2",)]
