"""Many threads and several processes write one ledger: every transaction is whole, and the trail has no branch."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import Claim
from refund_worker.domain.errors import CaseIsLive
from tests.adapters.ledger.examples import LEASE_S, Way, a_case, a_plan, opened, read, started
from tests.processes import race

THREADS = 32
CASES = 2
ENTRIES_A_CASE = 10


def test_32_threads_write_at_once(ledger: SqlLedger) -> None:
    """Each carries cases from their begin to their end."""
    started(ledger)

    def work(thread: int) -> None:
        for number in range(CASES):
            case = a_case(f"case_{thread}_{number}", plan=a_plan(f"cus_{thread}_{number}"))
            Way(ledger=ledger, claim=opened(ledger, case)).refunded()
            assert ledger.case(case.id) is not None

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    verified = ledger.verify()
    assert verified.problem is None
    assert verified.entries == 2 + THREADS * CASES * ENTRIES_A_CASE
    assert read(ledger, "SELECT count(*) FROM cases WHERE state = 'closed'") == [(THREADS * CASES,)]


def test_one_of_32_opens_the_case_and_one_of_32_claims_it(ledger: SqlLedger) -> None:
    """Invariant 3 and the fence, when all come at once."""
    started(ledger)

    def opens(thread: int) -> Claim | None:
        try:
            return opened(ledger, a_case(f"case_{thread}"))
        except CaseIsLive:
            return None

    with ThreadPoolExecutor(THREADS) as pool:
        claims = [claim for claim in pool.map(opens, range(THREADS)) if claim is not None]
        assert len(claims) == 1
        ledger.release(claims[0])
        taken = pool.map(
            lambda worker: ledger.claim(
                claims[0].case, worker=f"worker_{worker}", now=claims[0].claimed_at, lease_s=LEASE_S
            ),
            range(THREADS),
        )
        assert [claim.fence for claim in taken if claim is not None] == [2]


def test_processes_share_a_ledger_that_is_empty(lasting_url: str) -> None:
    """They bind it at once (a file they create and migrate too), and write without losing a transaction."""
    cases = 10
    race(write, [(lasting_url, name, cases) for name in ("a", "b", "c")])
    ledger = SqlLedger.open(lasting_url, create=False)
    verified = ledger.verify()
    assert verified.problem is None
    assert verified.entries == 1 + 3 + 3 * cases * ENTRIES_A_CASE
    ledger.close()


def write(ready: Callable[[], None], url: str, name: str, cases: int) -> None:
    """A process: binds the ledger and carries its cases to their end."""
    ready()
    ledger = SqlLedger.open(url)
    started(ledger, f"run_{name}")
    for number in range(cases):
        case = a_case(f"case_{name}_{number}", plan=a_plan(f"cus_{name}_{number}"))
        Way(ledger=ledger, claim=opened(ledger, case)).refunded()
    ledger.close()
