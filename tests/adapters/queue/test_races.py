"""Several processes at the same rows: each thing happens once, and no limit is passed."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.nights import Admission, Limits, Phase
from refund_worker.domain.queueing import QueueDepth
from tests.adapters.ledger.examples import LEASE_S, NOW, POLICY, a_case, a_plan, a_run, opened, read, started
from tests.adapters.queue.examples import claimed, names, notice, wish
from tests.adapters.queue.racing import flat, race

pytestmark = pytest.mark.timeout(120)
THREADS = 16


@pytest.fixture
def shared(lasting_url: str) -> Iterator[SqlLedger]:
    """A ledger that the racing processes open too."""
    ledger = started(SqlLedger.open(lasting_url))
    yield ledger
    ledger.close()


def test_each_entry_is_claimed_by_one_and_examined_once(shared: SqlLedger, lasting_url: str) -> None:
    """While new customers are wanted all the time."""
    customers = [f"cus_{number:03}" for number in range(200)]
    shared.queue.want([wish(customer) for customer in customers], now=NOW)
    won = race(
        lasting_url,
        """
queue.want([wish(f"cus_{me}_{number}") for number in range(50)], now=NOW)
while claims := queue.claim_wanted(worker=me, now=NOW, lease_s=LEASE_S, limit=7):
    for claim in claims:
        queue.examined(claim, now=NOW)
        print(claim.wanted.customer)
""",
    )
    assert sorted(flat(won)) == sorted(customers + [f"cus_racer_{me}_{of}" for me in range(3) for of in range(50)])
    assert shared.queue.depth(now=NOW) == QueueDepth(due=0, waiting=0, claimed=0, oldest_due_at=None)


def test_the_same_customers_wanted_by_all_at_once_stand_there_once(shared: SqlLedger, lasting_url: str) -> None:
    """In any order of their lists: nobody waits for somebody who waits for him."""
    won = race(
        lasting_url,
        """
import random
for round in range(8):
    wanted = [wish(f"cus_{number}", due_at=NOW - round) for number in range(60)]
    random.Random(me + str(round)).shuffle(wanted)
    queue.want(wanted, now=NOW)
    events = [event(number) for number in random.Random(me).sample(range(80), 60)]
    print(queue.receive(events, source=EventSource.WEBHOOK, now=NOW))
""",
    )
    claims = claimed(shared.queue, limit=100)
    assert len(claims) == 60
    assert {(claim.requested, claim.wanted.due_at) for claim in claims} == {(24, NOW - 7)}
    assert sum(map(int, flat(won))) == len(shared.queue.unabsorbed(limit=999)) > 60


def test_a_wish_that_meets_the_end_of_an_examination_is_not_lost(shared: SqlLedger, lasting_url: str) -> None:
    """Every entry leaves the queue with all its wishes seen: together they are all that were made."""
    won = race(
        lasting_url,
        """
if me == "racer_0":
    for number in range(120):
        queue.want([wish(due_at=NOW)], now=NOW + number)  # a second of its own names each entry, by its fence
        while number % 10 == 9 and queue.known_to_queue(["cus_1"]):
            time.sleep(0.005)
    queue.read_up_to(NOW)
else:
    while queue.watermark() is None:
        for claim in queue.claim_wanted(worker=me, now=NOW, lease_s=LEASE_S, limit=1):
            queue.examined(claim, now=NOW)
            print(f"{claim.fence // 1_000_000} {claim.requested}")
""",
    )
    seen: dict[int, int] = {}
    words = flat(won)
    for entry, requested in zip(map(int, words[::2]), map(int, words[1::2]), strict=True):
        seen[entry] = max(seen.get(entry, 0), requested)
    assert sum(seen.values()) == 120
    assert len(seen) >= 10
    assert shared.queue.known_to_queue(["cus_1"]) == frozenset()


def test_live_cases_are_claimed_once(shared: SqlLedger, lasting_url: str) -> None:
    """With one fence each, and a trail without a branch."""
    for number in range(30):
        claim = opened(shared, a_case(f"case_{number:02}", plan=a_plan(f"cus_{number}")))
        shared.release(claim)
    won = race(
        lasting_url,
        """
while claims := queue.claim_live(worker=me, now=NOW, lease_s=LEASE_S, limit=4):
    for claim in claims:
        print(f"{claim.case}:{claim.fence}")
""",
    )
    assert sorted(flat(won)) == [f"case_{number:02}:2" for number in range(30)]
    assert shared.verify().problem is None


def test_a_name_makes_one_run(shared: SqlLedger, lasting_url: str) -> None:
    """All of them find the same."""
    won = race(
        lasting_url,
        """
for date in range(10):
    run, new = queue.open_shared(
        a_run(f"run_{date}_{me}"), name=f"night {date}", phase=Phase.DISCOVERING, policy=POLICY
    )
    print(f"{run.run}:{new}")
""",
    )
    found = Counter(line.split(":")[0] for line in flat(won))
    assert len(found) == 10
    assert set(found.values()) == {3}
    assert sorted(line.split(":")[1] for line in flat(won)) == ["False"] * 20 + ["True"] * 10
    assert read(shared, "SELECT count(*) FROM runs") == [(11,)]
    assert shared.verify().problem is None


def test_limits_hold_over_all_workers_and_a_run_ends_once(shared: SqlLedger, lasting_url: str) -> None:
    """Of 300 that ask, as many as the sum allows; then as many as the number allows."""
    shared.queue.open_shared(a_run("run_n"), name="night", phase=Phase.WORKING, policy=POLICY)
    program = """
for number in range(50):
    print(queue.admit("run_n", currency="{currency}", planned_minor=3, limits=Limits(cases_max={cases}, sum_max=100)))
    queue.count_failures("run_n", failed=True)
print(queue.end_shared("run_{end}", status="finished", summary={{}}, now=NOW))
"""
    by_sum = race(lasting_url, program.format(currency="usd", cases=1_000, end="of_nobody"))
    assert Counter(flat(by_sum)) == {"admitted": 33, "sum_exceeded": 117, "False": 3}
    by_number = race(lasting_url, program.format(currency="eur", cases=40, end="n"))
    told = Counter(flat(by_number))
    assert (told["admitted"], told["True"], told["False"]) == (7, 1, 2)
    assert read(shared, "SELECT currency, planned_minor FROM run_sums ORDER BY currency") == [("eur", 21), ("usd", 99)]
    assert read(shared, "SELECT cases FROM shared_runs") == [(40,)]
    assert shared.verify().problem is None


def test_leases_halts_and_notices_go_to_one(shared: SqlLedger, lasting_url: str) -> None:
    """Whoever is first."""
    won = race(
        lasting_url,
        """
for number in range(10):
    if queue.take_lease(f"lease {number}", holder=me, now=NOW, lease_s=LEASE_S):
        print(f"lease:{number}")
    if queue.notify(notice(f"notice {number}"), now=NOW):
        print(f"put:{number}")
    queue.add_counts({("cases", "{}"): 1, ("runs", "{}"): 2})
while notices := queue.claim_notices(now=NOW, lease_s=LEASE_S, limit=1):
    print(f"send:{notices[0].key.split()[1]}")
print(f"halt:{queue.halt(reason=me, by=me, now=NOW)}")
""",
    )
    told = Counter(flat(won))
    once = [f"{word}:{number}" for word in ("lease", "put") for number in range(10)]
    assert {line: told[line] for line in once} == dict.fromkeys(once, 1)
    # A fast one may be through with the notices before a slow one puts its last: none is sent twice.
    assert all(count == 1 for line, count in told.items() if line.startswith("send:"))
    assert (told["halt:True"], told["halt:False"]) == (1, 2)
    assert shared.queue.counts() == {("cases", "{}"): 30, ("runs", "{}"): 60}
    assert shared.verify().problem is None


def test_what_a_killed_process_claimed_is_claimable_after_its_lease(shared: SqlLedger, lasting_url: str) -> None:
    """kill -9 between claim and finish: an entry, a live case, a notice."""
    shared.queue.want([wish()], now=NOW)
    shared.queue.notify(notice(), now=NOW)
    shared.release(opened(shared))
    with pytest.raises(EOFError):  # it was killed before it said a word
        race(
            lasting_url,
            """
of = {"now": NOW, "lease_s": LEASE_S, "limit": 9}
won = queue.claim_wanted(worker="dying", **of), queue.claim_live(worker="dying", **of), queue.claim_notices(**of)
if all(won):
    os.kill(os.getpid(), signal.SIGKILL)
""",
            racers=1,
        )
    before, after = NOW + LEASE_S - 1, NOW + LEASE_S
    assert claimed(shared.queue, at=before) == ()
    assert shared.queue.claim_live(worker="second", now=before, lease_s=LEASE_S, limit=9) == ()
    assert shared.queue.claim_notices(now=before, lease_s=LEASE_S, limit=9) == ()
    assert names(claimed(shared.queue, at=after)) == ["cus_1"]
    assert [claim.fence for claim in shared.queue.claim_live(worker="second", now=after, lease_s=LEASE_S, limit=9)] == [
        3
    ]
    assert shared.queue.claim_notices(now=after, lease_s=LEASE_S, limit=9) == (notice(),)
    assert shared.verify().problem is None


def test_threads_of_one_process_race_too(shared: SqlLedger) -> None:
    """A worker has 32 of them."""
    queue = shared.queue
    queue.want([wish(f"cus_{number}") for number in range(100)], now=NOW)
    queue.open_shared(a_run("run_n"), name="night", phase=Phase.WORKING, policy=POLICY)

    def work(thread: int) -> list[str]:
        won: list[str] = []
        while claims := claimed(queue, worker=f"thread_{thread}", limit=3):
            won += names(claims)
            queue.renew(claims, now=NOW, lease_s=LEASE_S)
            for claim in claims:
                if (
                    queue.admit("run_n", currency="usd", planned_minor=1, limits=Limits(cases_max=999, sum_max=60))
                    is Admission.ADMITTED
                ):
                    won.append("admitted")
                queue.examined(claim, now=NOW)
        return won

    with ThreadPoolExecutor(THREADS) as pool:
        won = Counter(flat(list(pool.map(work, range(THREADS)))))
    assert won.pop("admitted") == 60
    assert won == Counter(f"cus_{number}" for number in range(100))
