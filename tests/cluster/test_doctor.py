"""`doctor` tells what a person would check, creates nothing, and ends with what it found."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from refund_worker.adapters.clock import SystemClock
from refund_worker.domain.events import EVENT_TYPES
from refund_worker.sandbox.keys import known_keys
from tests.cluster.conftest import READING
from tests.e2e.places import Place

WRITES = ["customer_write", "charge_write", "invoice_write"]


def lines(place: Place, *, code: int) -> list[tuple[str, str]]:
    """Level and text of each line."""
    ended = place.use("doctor", "--json")
    assert ended.code == code, ended.out + ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return [(line["level"], line["text"]) for section in found["sections"] for line in section["lines"]]


def listen(place: Place, events: Sequence[str]) -> None:
    """Set an endpoint up at the sandbox."""
    place.sandbox.post(
        "/v1/webhook_endpoints", {"url": "http://127.0.0.1:9/webhooks/stripe", "enabled_events": list(events)}
    )


def test_all_is_well(place: Place, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restricted key with all permissions, a bound ledger, Redis, an endpoint, a target for notices: exit code 0."""
    permissions = {"permissions": [f"{name}_read" for name in [*READING, "webhook"]] + WRITES}
    place.sandbox.keys.update(known_keys({"rk_test_given": permissions}))
    listen(place, EVENT_TYPES)
    monkeypatch.setattr(SystemClock, "now", lambda _: place.sandbox.clock.now)
    place.environ.update(
        {
            "STRIPE_API_KEY": "rk_test_given",
            "REDIS_URL": redis_url,
            "STRIPE_WEBHOOK_SECRET": "whsec_a,whsec_b",
            "NOTIFY_URLS": "json://127.0.0.1:9/",
        }
    )
    assert place.use("plan").code == 0
    books = place.sandbox.books()
    found = lines(place, code=0)
    assert {level for level, _ in found} == {"ok"}
    assert place.sandbox.books() == books
    assert "All" in place.use("doctor").out


@pytest.mark.parametrize("missing", [*(f"{name}_read" for name in READING if name != "account"), *WRITES])
def test_each_permission_that_is_missing_is_named(place: Place, missing: str) -> None:
    """Without writing: a missing write is told as well as a missing read. Nothing fails without the balance's."""
    kind = missing.rpartition("_")[0]
    rest = [f"{name}_read" for name in READING if name != kind] + [name for name in WRITES if not name.startswith(kind)]
    if missing.endswith("_write"):
        rest.append(f"{kind}_read")
    place.sandbox.keys.update(known_keys({"rk_test_given": {"permissions": rest}}))
    place.environ["STRIPE_API_KEY"] = "rk_test_given"
    books = place.sandbox.books()
    found = lines(place, code=1)
    level = "warning" if missing == "balance_read" else "problem"
    assert (level, f"permission rak_{missing} is missing") in found
    assert place.sandbox.books() == books


def test_what_is_odd_is_told(place: Place) -> None:
    """No Redis, no secret, a halted ledger, a secret key, an endpoint that lacks events or is disabled."""
    listen(place, ["customer.updated"])
    assert place.use("plan").code == 0
    place.use("halt", "--reason", "odd", "--by", "Kim")
    found = lines(place, code=1)
    said = "\n".join(f"{level}: {text}" for level, text in found)
    for line in (
        "problem: this clock is",
        "warning: the key is a secret one",
        "problem: halted since",
        "warning: REDIS_URL is not set",
        "warning: STRIPE_WEBHOOK_SECRET is not set",
        "does not get: charge.dispute.closed",
        "warning: NOTIFY_URLS is not set",
    ):
        assert line in said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"STRIPE_API_KEY": ""}, "STRIPE_API_KEY is not set"),
        ({"NIGHT_CRONTAB": "x"}, "NIGHT_CRONTAB must have five fields"),
        ({"REFUND_POLICY": "/nowhere"}, "policy"),
    ],
)
def test_wrong_configuration_ends_with_2(place: Place, wrong: dict[str, str], said: str) -> None:
    """There is nothing to check with."""
    place.environ.update(wrong)
    ended = place.use("doctor")
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_a_ledger_that_is_away(place: Place) -> None:
    """It is told once; nothing is said of what stands in it."""
    place.environ["DATABASE_URL"] = "postgresql://u:password@127.0.0.1:1/x"
    said = lines(place, code=1)
    assert [text for level, text in said if level == "problem" and "nothing listens there" in text]
    assert not [text for _, text in said if "night has finished" in text or "halt" in text]


def test_nothing_repaints_the_terminal(place: Place) -> None:
    """The reason of a halt is anybody's text: an escape sequence in it is shown, not obeyed."""
    place.use("plan")
    place.use("halt", "--reason", "odd \x1b[2J", "--by", "Kim\x1b[31m")
    ended = place.use("doctor")
    assert "\x1b[2J" not in ended.out
    assert "odd \\x1b[2J" in ended.out
