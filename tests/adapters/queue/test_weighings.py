"""What the queue keeps of nights that are weighed: who may be claimed when, one weighing, one letting through."""

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.nights import UNUSUAL, Admission, Limits, Phase
from refund_worker.domain.notices import Notice, NoticeKind
from refund_worker.domain.queueing import Cause, Wanted
from refund_worker.domain.runs import RunStatus
from refund_worker.domain.unusual import Excess, Weighing, Weight, lines_of
from refund_worker.ports import WorkQueue
from tests.adapters.ledger.examples import NOW, POLICY, a_run, read
from tests.adapters.queue.examples import claimed, names

WEIGHT = Weight(customers=3, credit_minor={"usd": 15_000, "eur": 2})
USUAL = Weighing(weight=WEIGHT, nights=14)
EXCESS = Excess(currency=None, found=3, twice_median=1, limit=2)
BEYOND = Weighing(weight=WEIGHT, nights=14, excesses=(EXCESS,))
NOTICE = Notice(key="unusual run_n", kind=NoticeKind.NIGHT_UNUSUAL, title="The night waits", body="why")
LIMITS = Limits(cases_max=9, sum_max=1_000)


@pytest.fixture
def night(queue: WorkQueue) -> WorkQueue:
    """A night that discovers, with two entries; one of an events run, and one of none."""
    queue.open_shared(a_run("run_n"), name="night 2026-11-22", phase=Phase.DISCOVERING, policy=POLICY)
    queue.open_shared(a_run("run_e"), name="events 2026-11-22", phase=Phase.WORKING, policy=POLICY)
    queue.want([_wish("cus_1", run="run_n"), _wish("cus_2", run="run_n")], now=NOW)
    queue.want([_wish("cus_3", run="run_e"), _wish("cus_4")], now=NOW)
    return queue


def _wish(customer: str, *, run: str | None = None) -> Wanted:
    return Wanted(customer=customer, cause=Cause.NIGHT, due_at=NOW, run=run, credit_minor={"usd": 5})


def _weigh(queue: WorkQueue, weighing: Weighing, notice: Notice | None = None) -> bool:
    return queue.weigh_shared("run_n", weighing=weighing, available_minor={"usd": 100}, notice=notice, now=NOW)


def test_entries_of_a_night_are_claimed_when_it_is_weighed(night: WorkQueue, ledger: SqlLedger) -> None:
    """Those of events runs and of none before it."""
    assert sorted(names(claimed(night, limit=9))) == ["cus_3", "cus_4"]
    assert night.depth(now=NOW).due == 0
    assert night.depth(now=NOW).waiting == 2
    assert _weigh(night, USUAL)
    assert not _weigh(night, BEYOND, NOTICE)
    assert sorted(names(claimed(night, limit=9))) == ["cus_1", "cus_2"]
    assert night.claim_notices(now=NOW, lease_s=9, limit=9) == ()
    assert ledger.past_weights(limit=14) == ()
    night.end_shared("run_n", status="finished", summary={}, now=NOW)
    assert ledger.past_weights(limit=14) == (WEIGHT,)
    assert ledger.verify().ok


def test_an_unusual_night_waits_and_is_let_through_once(night: WorkQueue, ledger: SqlLedger) -> None:
    """With one notice, and with both facts in the trail."""
    assert _weigh(night, BEYOND, NOTICE)
    assert not _weigh(night, USUAL)
    shared = night.shared_of("run_n")
    assert shared is not None
    assert (shared.phase, shared.stop) == (Phase.WAITING, UNUSUAL)
    assert shared.stopped_by == f"unlike the past nights: {'; '.join(lines_of(BEYOND))}"
    assert sorted(names(claimed(night, limit=9))) == ["cus_3", "cus_4"]
    assert [one.key for one in night.claim_notices(now=NOW, lease_s=9, limit=9)] == ["unusual run_n"]
    assert night.let_run_through("run_n", by="ann", reason="prices", unusual="3", now=NOW + 5)
    assert not night.let_run_through("run_n", by="bob", reason="", unusual="", now=NOW + 6)
    shared = night.shared_of("run_n")
    assert shared is not None
    assert (shared.phase, shared.stop, shared.stopped_by) == (Phase.WORKING, None, None)
    assert sorted(names(claimed(night, limit=9))) == ["cus_1", "cus_2"]
    # A limit that keeps something back says nothing against the figures: a person took them for usual.
    night.end_shared("run_n", status=str(RunStatus.STOPPED), summary={}, now=NOW + 9)
    assert ledger.past_weights(limit=14) == (WEIGHT,)
    kinds = [kind for (kind,) in read(ledger, "SELECT kind FROM audit_entries WHERE run = 'run_n' ORDER BY sequence")]
    assert kinds == ["run_started", "run_weighed", "run_let_through", "run_finished"]
    ((kept,),) = read(ledger, "SELECT let_through FROM runs WHERE id = 'run_n'")
    assert kept == f'{{"at":{NOW + 5},"by":"ann","reason":"prices","unusual":"3"}}'
    assert ledger.verify().ok


@pytest.mark.parametrize("column", ["weighed", "let_through"])
def test_changed_figures_of_a_night_are_found(night: WorkQueue, ledger: SqlLedger, column: str) -> None:
    """They decide whether later nights are usual."""
    _weigh(night, BEYOND, NOTICE)
    night.let_run_through("run_n", by="ann", reason="prices", unusual="3", now=NOW)
    with ledger._database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET {column} = replace({column}, '3', '4') WHERE id = 'run_n'")  # noqa: S608  names of the test's own
    problem = ledger.verify().problem
    assert problem is not None
    assert problem.startswith(f"run run_n: {column} is ")


def test_a_stopped_night_is_not_weighed(night: WorkQueue) -> None:
    """A refused key came before it."""
    night.stop_shared("run_n", message="no", kind="permission")
    assert not _weigh(night, USUAL)


def test_only_what_waits_as_unusual_is_let_through(night: WorkQueue) -> None:
    """A limit is another thing, and an ended run is over."""
    night.stop_shared("run_e", message="limit", kind="limit")
    assert not night.let_run_through("run_e", by="ann", reason="", unusual="", now=NOW)
    _weigh(night, BEYOND, NOTICE)
    night.end_shared("run_n", status="stopped", summary={}, now=NOW)
    assert not night.let_run_through("run_n", by="ann", reason="", unusual="", now=NOW)


def test_entries_go_over_to_the_next_night(night: WorkQueue) -> None:
    """All of them, and no other's."""
    night.open_shared(a_run("run_m"), name="night 2026-11-23", phase=Phase.DISCOVERING, policy=POLICY)
    assert night.take_over_entries(of_run="run_n", to_run="run_m") == 2
    assert (night.left_of("run_n"), night.left_of("run_m"), night.left_of("run_e")) == (0, 2, 1)


def test_what_is_known_of_the_credit_is_that_of_the_newest_wish_that_knows(night: WorkQueue) -> None:
    """With pending items beside it; who is wanted without it, is not told."""
    night.want([Wanted(customer="cus_1", cause=Cause.HINT, due_at=NOW)], now=NOW)
    night.want([Wanted(customer="cus_2", cause=Cause.EVENT, due_at=NOW, credit_minor={"usd": 7, "eur": 1})], now=NOW)
    night.want([Wanted(customer="cus_5", cause=Cause.NIGHT, due_at=NOW, run="run_n", pending_items=())], now=NOW)
    (page,) = night.credits_of("run_n")
    assert page == {"cus_1": {"usd": 5}, "cus_2": {"usd": 7, "eur": 1}}
    assert list(night.credits_of("run_1")) == []


def test_funds_are_booked_and_short_until_they_are_read_again(night: WorkQueue) -> None:
    """A currency of which nothing is known has no bounds; what could not be read changes nothing."""
    _weigh(night, USUAL)

    def admit(minor: int, currency: str = "usd") -> Admission:
        return night.admit("run_n", currency=currency, planned_minor=minor, limits=LIMITS)

    assert admit(60) is Admission.ADMITTED
    assert admit(41) is Admission.FUNDS_SHORT
    assert admit(1) is Admission.FUNDS_SHORT
    assert admit(900, "eur") is Admission.ADMITTED
    (shortage,) = night.shortages("run_n")
    assert (shortage.currency, shortage.available, shortage.booked, shortage.needed) == ("usd", 100, 60, 41)
    night.keep_funds("run_n", available_minor=None, now=NOW + 700)
    assert night.funds_read_at("run_n") == NOW + 700
    assert admit(1) is Admission.FUNDS_SHORT
    night.keep_funds("run_n", available_minor={"usd": 40, "eur": 0}, now=NOW + 1_400)
    assert admit(40) is Admission.ADMITTED
    assert admit(1, "eur") is Admission.FUNDS_SHORT


def test_a_case_beyond_what_is_usual_is_not_admitted_until_let_through(night: WorkQueue) -> None:
    """By number or by sum; not booked."""

    def admit(minor: int, *, cases: int | None = None, total: int | None = None) -> Admission:
        limits = Limits(cases_max=9, sum_max=1_000, usual_cases=cases, usual_sum=total)
        return night.admit("run_e", currency="usd", planned_minor=minor, limits=limits)

    assert admit(50, cases=1, total=50) is Admission.ADMITTED
    assert admit(50, cases=1, total=100) is Admission.UNUSUAL
    assert admit(51, cases=2, total=100) is Admission.UNUSUAL
    assert admit(50, cases=2, total=100) is Admission.ADMITTED
    night.stop_shared("run_e", message="unlike", kind=UNUSUAL)
    assert admit(1, cases=2, total=100) is Admission.STOPPED
    assert night.let_run_through("run_e", by="ann", reason="r", unusual="u", now=NOW)
    assert admit(1, cases=2, total=100) is Admission.ADMITTED


def test_what_rests_until_the_night_is_woken(night: WorkQueue) -> None:
    """Not what only settles."""
    for wanted, due_at in (("cus_a", NOW + 501), ("cus_b", NOW + 500)):
        night.want([Wanted(customer=wanted, cause=Cause.TASK, due_at=due_at)], now=NOW)
    night.stop_shared("run_e", message="unlike", kind=UNUSUAL)
    assert night.let_run_through("run_e", by="ann", reason="r", unusual="u", now=NOW, wake_after=NOW + 500)
    assert sorted(names(claimed(night, limit=9))) == ["cus_3", "cus_4", "cus_a"]
