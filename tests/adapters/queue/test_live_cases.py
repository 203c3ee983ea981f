"""Live cases as a queue: claimed like any case, in batches, when their rest is over."""

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import Claim, Outcome, State
from refund_worker.ports import WorkQueue
from tests.adapters.ledger.examples import LEASE_S, NOW, Way, a_case, a_plan, opened, read


def _open(ledger: SqlLedger, *numbers: int) -> list[Claim]:
    return [
        opened(ledger, a_case(f"case_{number}", opened_at=NOW + number, plan=a_plan(f"cus_{number}")))
        for number in numbers
    ]


def _claim(queue: WorkQueue, *, at: int = NOW, limit: int = 9) -> list[tuple[str, int]]:
    claims = queue.claim_live(worker="second", now=at, lease_s=LEASE_S, limit=limit)
    assert all(claim.lease_until == at + LEASE_S for claim in claims)
    return [(claim.case, claim.fence) for claim in claims]


def test_live_cases_whose_claim_is_over_are_claimed_oldest_first(queue: WorkQueue, ledger: SqlLedger) -> None:
    """Released, or after their lease; in no more than one batch; the trail tells of each."""
    claims = _open(ledger, 3, 1, 2, 4)
    for claim in claims[:3]:
        ledger.release(claim)
    assert _claim(queue, limit=2) == [("case_1", 2), ("case_2", 2)]
    assert _claim(queue, limit=2) == [("case_3", 2)]
    assert _claim(queue, at=NOW + LEASE_S - 1) == []
    assert _claim(queue, at=NOW + 4 + LEASE_S) == [("case_1", 3), ("case_2", 3), ("case_3", 3), ("case_4", 2)]
    told = read(ledger, "SELECT run, case_id, customer, currency, body FROM audit_entries WHERE kind = 'case_claimed'")
    assert told[0] == ("run_1", "case_1", "cus_1", "usd", '{"case":{"fence":2}}')
    assert ledger.verify().ok


def test_a_case_that_rests_is_not_claimed_before_its_time(queue: WorkQueue, ledger: SqlLedger) -> None:
    """The rest ends with the next release; the ledger's own claim does not mind it."""
    (claim,) = _open(ledger, 1)
    ledger.release(claim, again_at=NOW + 3_600)
    assert _claim(queue, at=NOW + 3_599) == []
    assert _claim(queue, at=NOW + 3_600) == [("case_1", 2)]
    again = ledger.claim("case_1", worker="third", now=NOW + 9_000, lease_s=LEASE_S)
    assert again is not None
    ledger.release(again)
    assert _claim(queue, at=NOW) == [("case_1", 4)]
    assert ledger.verify().ok


def test_what_is_closed_is_not_claimed(queue: WorkQueue, ledger: SqlLedger) -> None:
    """Nor does its writer lose anything by the look."""
    (claim,) = _open(ledger, 1)
    Way(ledger=ledger, claim=claim).move(State.CLOSED, outcome=Outcome.SKIPPED)
    assert _claim(queue, at=NOW + 2 * LEASE_S) == []


def test_a_worker_lets_go_of_cases_it_knows_nothing_of(queue: WorkQueue, ledger: SqlLedger) -> None:
    """What it has in hand stays, by the case or by the customer; other workers' claims are not touched."""
    first, *_ = _open(ledger, 1, 2, 3)
    ledger.claim("case_4", worker="another", now=NOW, lease_s=LEASE_S)
    in_hand = {"in_hand": ["case_1"], "customers_in_hand": ["cus_2"]}
    assert queue.let_go_cases(worker=first.worker, **in_hand) == 1
    assert _claim(queue, at=NOW) == [("case_3", 2)]
    assert queue.let_go_cases(worker=first.worker, in_hand=[], customers_in_hand=[]) == 2
    assert ledger.verify().ok


def test_the_cases_of_a_worker_that_is_gone_are_free_at_once(queue: WorkQueue, ledger: SqlLedger) -> None:
    """Their rest stays, and their fence."""
    first, second = _open(ledger, 1, 2)
    ledger.release(second, again_at=NOW + 60)
    ledger.claim("case_2", worker="gone", now=NOW, lease_s=LEASE_S)
    assert queue.end_case_leases(gone=lambda worker: worker == "gone") == 1
    assert queue.end_case_leases(gone=lambda worker: worker == "gone") == 0
    assert _claim(queue, at=NOW + 59) == []
    assert _claim(queue, at=NOW + 60) == [("case_2", 3)]
    assert queue.end_case_leases(gone=lambda worker: worker == first.worker) == 1
    assert _claim(queue, at=NOW + 60) == [("case_1", 2)]
