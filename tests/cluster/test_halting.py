"""A halt stops commands and workers; the queue and the watch list, as a person asks for them."""

import json
import time

import pytest

from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.ledger.opening import open_database
from refund_worker.adapters.ledger.queue import SqlQueue
from refund_worker.entrypoints.halting import user_at_host
from refund_worker.observability import redact
from tests.e2e.places import LEDGER, Place


@pytest.fixture
def used(place: Place) -> Place:
    """A place with a ledger that knows one plan."""
    assert place.use("plan", "--json").code == 0
    return place


def test_a_halt_stops_money_and_lets_plans_go_on(used: Place) -> None:
    """`run` and `resume` end with 3 and one line that says why and how to go on; `unhalt` lets them run."""
    halted = used.use("halt", "--reason", "something is odd", "--by", "Kim")
    assert (halted.code, halted.err) == (0, "")
    before = used.sandbox.books()
    for command in ("run", "resume"):
        ended = used.use(command, "--json")
        assert (ended.code, ended.out) == (3, "")
        assert "by Kim: something is odd; `refund-worker unhalt`" in ended.err
    assert used.use("plan").code == 0
    assert used.sandbox.books() == before
    again = used.use("halt", "--reason", "me too")
    assert again.code == 1
    assert "by Kim: something is odd" in again.err
    assert used.use("unhalt").code == 0
    assert used.use("unhalt").out == "no halt stands\n"
    assert json.loads(used.use("run", "--json").out)["counts"]["refunded"] == 1
    verified = used.use("audit", "verify")
    assert verified.code == 0


def test_a_halt_is_told_of_once(used: Place) -> None:
    """The outbox has the reason, and who halted."""
    used.use("halt", "--reason", "something is odd", "--by", "Kim")
    database = open_database(f"sqlite:///{used.directory / LEDGER}")
    (notice,) = SqlQueue(database).claim_notices(now=int(time.time()) + 1, lease_s=60, limit=9)
    database.close()
    assert str(notice.kind) == "halted"
    assert "by Kim: something is odd" in notice.body


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["halt"], "Missing option '--reason'"),
        (["halt", "--reason", "  "], "--reason must say why"),
        (["halt", "--reason", "x" * 301], "--reason must say why"),
        (["run", "--queue"], "--queue needs --customer"),
        (["run", "--queue", "--customer", "cus_1", "--limit", "2"], "--limit is for a run of its own"),
        (["run", "--queue", "--customer", "a b"], "is not a customer id"),
        (["run", "--queue", "--customer", "cus_nobody"], "Stripe knows no such customer"),
    ],
)
def test_wrong_use_is_one_line(used: Place, arguments: list[str], said: str) -> None:
    """Exit code 2, and nothing has changed."""
    before = used.picture()
    ended = used.use(*arguments)
    (line,) = ended.err.splitlines()
    assert (ended.code, ended.out) == (2, "")
    assert said in line
    assert used.picture() == before


def test_a_halt_needs_a_ledger(place: Place) -> None:
    """A wrong DATABASE_URL must not look like a halt of the right one."""
    for command in (["halt", "--reason", "x"], ["unhalt"], ["refunds", "pending"]):
        ended = place.use(*command)
        assert ended.code == 2
        assert "there is no ledger" in ended.err


def test_the_watch_list_is_empty_at_first(used: Place) -> None:
    """As text and as JSON."""
    assert used.use("refunds", "pending").out == "no refund waits for its last word\n"
    assert json.loads(used.use("refunds", "pending", "--json").out) == {"refunds": []}


def test_queued_by_hand_is_due_at_once(used: Place) -> None:
    """Twice is once."""
    (customer,) = [book.customer for book in used.sandbox.books()]
    for _ in range(2):
        assert used.use("run", "--customer", customer, "--queue").code == 0
    ledger = SqlLedger.open(f"sqlite:///{used.directory / LEDGER}")
    depth = ledger.queue.depth(now=2_000_000_000)
    ledger.close()
    assert (depth.due, depth.waiting, depth.claimed) == (1, 0, 0)


def test_who_halted_is_no_e_mail_address() -> None:
    """What looks like one is not shown in notices: nobody would know whom to ask."""
    assert redact(user_at_host()) == user_at_host()
