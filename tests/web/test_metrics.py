"""`GET /metrics`: figures that can be recomputed from the ledger, and who may read them."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.domain.cases import Case, Outcome, State
from refund_worker.domain.counting import CASES, CENTS, EVENTS, STRIPE_CALLS, counter
from refund_worker.domain.events import Event, EventSource
from refund_worker.domain.nights import Phase, night_name
from refund_worker.domain.notices import Notice, NoticeKind
from refund_worker.domain.queueing import Cause, Wanted
from tests.adapters.ledger.examples import NOW, POLICY, Way, a_case, a_plan, a_run, a_step, opened, started
from tests.web.asking import Headers
from tests.web.deliveries import SECRET, body_of, event, signature
from tests.web.ledgers import Web, file_url, web

LATER = NOW + 3_601
TOKEN = "Planted7-metrics-token"  # noqa: S105  planted
DIRECT: Headers = ()
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class At:
    """A clock that stands."""

    at: int

    def now(self) -> int:
        """The time."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Nobody sleeps here."""
        raise AssertionError(seconds)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a migrated ledger, of either kind."""
    if request.param == "sqlite":
        return file_url(tmp_path)
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def ledger(url: str) -> Iterator[SqlLedger]:
    """A ledger with a run, to be filled."""
    with closing(SqlLedger.open(url)) as opened_ledger:
        yield started(opened_ledger)


def scraped(shop: Web) -> dict[tuple[str, str], float]:
    """Every sample: name and labels as text -> value. The page parses as Prometheus parses it."""
    answer = shop.asked.ask("GET", "/metrics")
    assert (answer.status, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
    return {
        (sample.name.removeprefix("refund_worker_"), ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def one_of_each(ledger: SqlLedger) -> list[str]:
    """Cases that are short of different sums, in two currencies, and one that is done; returns their ids."""
    half = Way(ledger=ledger, claim=opened(ledger, a_case("half", plan=a_plan("cus_half"))))
    half.accepted(a_step("reserve", case="half"), stripe_id="cbtxn_1", now=NOW + 1)
    half.move(State.REFUNDING)
    half.accepted(a_step("refund:1", case="half", amount=300), stripe_id="re_1", status="succeeded", now=NOW + 9)
    half.accepted(a_step("refund:2", case="half", amount=200), stripe_id="re_2", status="failed", now=NOW + 9)
    half.accepted(a_step("refund:3", case="half", amount=50), stripe_id="re_3", status="pending", now=NOW + 9)
    half.accepted(a_step("give_back:1", case="half", amount=100), stripe_id="cbtxn_2", now=NOW + 9)
    euros = a_plan("cus_euros", currency="eur")
    young = Way(ledger=ledger, claim=opened(ledger, a_case("young", plan=euros, opened_at=NOW + 3_000)))
    young.accepted(a_step("reserve", case="young"), stripe_id="cbtxn_3", now=NOW + 3_001)
    other = Way(ledger=ledger, claim=opened(ledger, a_case("other", plan=a_plan("cus_other"))))
    other.accepted(a_step("reserve", case="other"), stripe_id="cbtxn_4", now=NOW + 61)
    sent = Way(ledger=ledger, claim=opened(ledger, a_case("sent", plan=a_plan("cus_sent"))))
    sent.sent(a_step("reserve", case="sent"))
    Way(ledger=ledger, claim=opened(ledger, a_case("done", plan=a_plan("cus_done")))).refunded()
    return ["half", "young", "other", "sent", "done"]


def cent_minutes(case: Case) -> float:
    """What one case adds, from its steps alone."""
    standing = [step for step in case.steps if step.stands]
    reserve = next((step for step in standing if step.kind == "reserve"), None)
    if reserve is None or reserve.answered_at is None or not case.live:
        return 0.0
    back = sum(step.amount_minor for step in standing if step is not reserve)
    return (reserve.amount_minor - back) * (LATER - reserve.answered_at) / 60


def test_cents_times_minutes(ledger: SqlLedger, url: str) -> None:
    """What is reserved and neither refunded nor given back, times the minutes since, per currency."""
    expected = {"usd": 0.0, "eur": 0.0}
    for name in one_of_each(ledger):
        case = ledger.case(name)
        assert case is not None
        expected[case.plan.currency] += cent_minutes(case)
    with web(url, clock=At(LATER)) as shop:
        found = scraped(shop)
    told = {name: found["reserved_not_refunded_cent_minutes", f"currency={name}"] for name in expected}
    assert told == pytest.approx(expected)
    assert told == pytest.approx({"usd": 550 * 60 + 1_000 * 59, "eur": 1_000 * 10})
    assert found["live_cases", ""] == 4
    assert found["oldest_unfinished_case_seconds", ""] == LATER - NOW
    assert found["pending_refunds", "status=pending"] == 1
    assert found["pending_refunds", "status=requires_action"] == 0
    assert found["pending_refund_oldest_seconds", ""] == pytest.approx(LATER - NOW - 9, abs=10)


def test_queue_nights_halts_notices(ledger: SqlLedger, url: str) -> None:
    """Each figure of the queue's tables."""
    queue = ledger.queue
    wanted = [Wanted(customer=f"cus_{n}", cause=Cause.EVENT, due_at=LATER - 100 + 40 * n) for n in range(5)]
    queue.want(wanted, now=NOW)
    queue.claim_wanted(worker="w", now=LATER - 90, lease_s=900, limit=1)
    for date, missed in (("2027-01-14", 2), ("2027-01-15", 1)):
        queue.open_shared(a_run(date, command="night"), name=night_name(date), phase=Phase.DISCOVERING, policy=POLICY)
        queue.progress(date, missed=missed)
    queue.end_shared("2027-01-14", status="finished", summary={}, now=LATER - 7_200)
    queue.end_shared("2027-01-15", status="stopped", summary={}, now=LATER - 60)
    queue.halt(reason="audit", by="jane", now=LATER)
    for name, age_s in (("new", 60), ("old", 4 * 86_400), ("sent", 60)):
        queue.notify(Notice(key=name, kind=NoticeKind.HALTED, title="t", body="b"), now=LATER - age_s)
    queue.notice_sent("sent", now=LATER)
    with web(url, clock=At(LATER)) as shop:
        found = scraped(shop)
    assert [found["queue_entries", f"state={state}"] for state in ("due", "waiting", "claimed")] == [2, 2, 1]
    assert found["queue_oldest_due_seconds", ""] == 60
    assert found["seconds_since_finished_night", ""] == 7_200
    assert found["missed_credits_total", ""] == 3
    assert (found["runs_total", "command=night,status=finished"], found["halted", ""]) == (1, 1)
    assert found["unsent_notices", ""] == 1
    assert found["ready", "check=database"] == 1


def test_counters_are_the_ledgers(ledger: SqlLedger, url: str) -> None:
    """What all workers added, with series that begin at zero; a counter nobody knows is not told."""
    ledger.queue.add_counts({counter(CASES, outcome=str(Outcome.FAILED), reason=None): 2, ("other_total", "{}"): 9})
    ledger.queue.add_counts({counter(CENTS, currency="usd", kind="refunded"): 1_500})
    ledger.queue.add_counts({counter(STRIPE_CALLS, endpoint="POST /v1/refunds", status="200"): 7})
    ledger.queue.add_counts({counter(CASES, outcome=str(Outcome.FAILED), reason=None): 1})
    with web(url, clock=At(LATER)) as shop:
        found = scraped(shop)
    assert found["cases_total", "outcome=failed,reason="] == 3
    assert found["cases_total", "outcome=owed,reason="] == 0
    assert found["cents_total", "currency=usd,kind=refunded"] == 1_500
    assert found["stripe_calls_total", "endpoint=POST /v1/refunds,status=200"] == 7
    assert found["events_total", "result=new,source=poll"] == 0
    assert not any(name.startswith("other") for name, _ in found)


def test_a_counter_has_its_labels_and_no_others() -> None:
    """A slip in a label would begin a second sum beside the first."""
    with pytest.raises(ValueError, match="has the labels"):
        counter(CASES, outcome="failed")
    with pytest.raises(ValueError, match="has the labels"):
        counter("refund_worker_unheard_of_total", what="ever")


def test_webhooks_are_counted(url: str) -> None:
    """By what became of them, and at the end at the latest."""
    with web(url) as shop:
        for told in (event("evt_1"), event("evt_1"), event("evt_2"), event("evt_3", kind="charge.succeeded")):
            body = body_of(told)
            assert shop.asked.post(body, signature(body)).status == 200
        assert shop.asked.post(b"{}", "forged").status == 400
    with closing(SqlLedger.open(url)) as ledger:
        counts = ledger.queue.counts()
    of = {
        result: counter(EVENTS, source="webhook", result=result) for result in ("new", "known", "irrelevant", "refused")
    }
    assert {result: counts[key] for result, key in of.items()} == {"new": 2, "known": 1, "irrelevant": 1, "refused": 1}


def test_received_twice_in_one_batch(ledger: SqlLedger) -> None:
    """Two deliveries of one event in one transaction are one row, and counted as one."""
    one = Event(id="evt_1", type="invoice.paid", created=NOW, customer="cus_1")
    assert ledger.queue.receive([one, one], source=EventSource.WEBHOOK, now=NOW) == 1


@pytest.mark.parametrize(
    ("host", "headers", "status"),
    [
        (LOOPBACK, DIRECT, 200),
        ("::1", DIRECT, 200),
        ("10.1.2.3", DIRECT, 200),
        ("::ffff:10.1.2.3", DIRECT, 200),
        ("fd00::1", DIRECT, 200),
        ("8.8.8.8", DIRECT, 403),
        ("::ffff:8.8.8.8", DIRECT, 403),
        ("2a00:1450:4001::1", DIRECT, 403),
        ("localhost", DIRECT, 403),
        (None, DIRECT, 403),
        (LOOPBACK, [(b"X-Forwarded-For", b"10.0.0.1")], 403),
        ("10.1.2.3", [(b"Forwarded", b"for=10.0.0.1")], 403),
        ("8.8.8.8", [(b"Authorization", f"Bearer {TOKEN}".encode())], 403),
    ],
)
def test_without_a_token_only_neighbours_read(tmp_path: Path, host: str | None, headers: Headers, status: int) -> None:
    """Loopback and private addresses, and nobody whom a proxy forwards."""
    with web(file_url(tmp_path)) as shop:
        client = None if host is None else (host, 40_000)
        answer = shop.asked.ask("GET", "/metrics", headers=headers, client=client)
    assert (answer.status, b"refund_worker" in answer.body) == (status, status == 200)


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (TOKEN, 403),
        (f"Bearer {TOKEN} ", 403),
        (f"Bearer {TOKEN[:-1]}", 403),
        ("Bearer", 403),
        ("Bearer é", 403),
        (None, 403),
    ],
)
def test_with_a_token_nobody_else_reads(tmp_path: Path, shown: str | None, status: int) -> None:
    """Also from next door; and with it from everywhere."""
    headers = [] if shown is None else [(b"authorization", shown.encode("latin-1"))]
    with web(file_url(tmp_path), metrics_token=TOKEN) as shop:
        for host in (LOOPBACK, "8.8.8.8"):
            answer = shop.asked.ask("GET", "/metrics", headers=headers, client=(host, 1))
            assert answer.status == status
            assert not [word for word in (TOKEN, SECRET) if word in answer.text]
