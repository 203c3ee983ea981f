"""Logs go to one stream, one line an event, and hold no secret, whoever logs it and however deep it is buried."""

import base64
import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from refund_worker.observability import bind_run, configure_logging, keep_secret, redact

PLANTED = {
    "secret key": "sk_live_51HPlanted",
    "restricted key": "rk_test_51HPlanted",
    "publishable key": "pk_live_51HPlanted",
    "webhook secret": "whsec_Planted+/8=",
    "key in a path": "/etc/sk_test_51HPlanted.txt",
    "key after a word": "key=sk_test_Planted&x=1",
    "bearer token": "Bearer Planted.token-1234",
    "header": "Authorization: Basic UGxhbnRlZDo=Planted",
    "header in a dict": "{'Authorization': 'Bearer Planted-token'}",
    "e-mail": "planted.name+tag@Planted.example",
    "e-mail in a query": "?email=Planted%40example.com",
    "URL with a password": "postgresql://Planted:Planted@db.internal/x",
    "password with an at sign": "redis://:Planted@Planted@cache:6379",
    "client secret": "client_secret=pi_1_Planted",
    "password in a connection string": "host=db password='Planted' user=x",
}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave logging as it was found."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture(params=[True, False], ids=["json", "people"])
def stream(request: pytest.FixtureRequest) -> io.StringIO:
    """Where the log goes, in both forms."""
    written = io.StringIO()
    configure_logging(json=request.param, stream=written)
    return written


def fail(error: Exception, *, cause: Exception | None = None, note: str = "") -> None:
    """Raise an error with a cause and a note."""
    error.add_note(note)
    raise error from cause


@pytest.mark.parametrize("secret", PLANTED.values(), ids=PLANTED)
class TestNoSecretIsLogged:
    """Every planted secret, on every way into the log."""

    def test_as_a_value(self, stream: io.StringIO, secret: str) -> None:
        """A value of an event, and its name."""
        structlog.get_logger().info("case_closed", answer=secret, **{secret: 1})
        self.is_clean(stream)

    def test_as_the_event(self, stream: io.StringIO, secret: str) -> None:
        """The event itself."""
        structlog.get_logger().warning(f"Stripe said {secret} to us")
        self.is_clean(stream)

    def test_deep_inside(self, stream: io.StringIO, secret: str) -> None:
        """Lists in tuples in mappings, bytes, and objects that show it when they are printed."""
        deep: dict[str, Any] = {"a": [{"b": (secret, {secret})}], secret: {"c": secret.encode()}}
        structlog.get_logger().info("case_closed", deep=deep, error=ValueError(secret))
        self.is_clean(stream)

    def test_in_a_traceback(self, stream: io.StringIO, secret: str) -> None:
        """The message of an exception, of the one that caused it, and its notes."""
        try:
            fail(RuntimeError(f"while asking {secret}"), cause=KeyError(secret), note=secret)
        except RuntimeError:
            structlog.get_logger().exception("bug")
        assert "RuntimeError: while asking" in stream.getvalue()
        self.is_clean(stream)

    def test_from_a_library(self, stream: io.StringIO, secret: str) -> None:
        """A library's warning: its text, its arguments, its extra values, its traceback."""
        library = logging.getLogger("sqlalchemy.engine")
        library.warning("cannot reach %s", secret, extra={"url": secret})
        try:
            fail(OSError(secret))
        except OSError:
            library.exception("cannot reach %s", [secret])
        assert stream.getvalue().count("cannot reach") == 2
        self.is_clean(stream)

    def test_from_a_python_warning(self, stream: io.StringIO, secret: str) -> None:
        """What Python would print to standard error by itself."""
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(capture=False)
            logging.captureWarnings(capture=True)
            warnings.warn(f"deprecated: {secret}", DeprecationWarning, stacklevel=1)
            logging.captureWarnings(capture=False)
        assert "deprecated" in stream.getvalue()
        self.is_clean(stream)

    def test_bound_to_the_context(self, stream: io.StringIO, secret: str) -> None:
        """What was bound for a whole run."""
        with bind_run(run="run_1", customer=secret):
            structlog.get_logger().info("case_closed")
        self.is_clean(stream)

    @staticmethod
    def is_clean(stream: io.StringIO) -> None:
        """Nothing of the secret is left, in whatever case."""
        written = stream.getvalue()
        assert written
        assert "planted" not in written.lower()


def test_a_key_in_base64_is_a_key() -> None:
    """Basic authentication sends `key:` in base64, and urllib3 may print the header."""
    for key in ("sk_live_51HPlanted", "rk_live_51HPlanted", "sk_test_51HPlanted", "rk_test_51HPlanted"):
        sent = base64.b64encode(f"{key}:".encode()).decode()
        assert redact(f"header {sent} sent") == "header [key] sent"


def test_a_named_secret_is_hidden_whatever_it_looks_like(stream: io.StringIO) -> None:
    """A value under such a name is no business of the log, also inside a mapping."""
    structlog.get_logger().info("started", api_key="xyzzy", environ={"DATABASE_URL": "xyzzy", "token": ["xyzzy"]})
    assert "xyzzy" not in stream.getvalue()
    assert stream.getvalue().count("[secret]") == 3


@pytest.mark.parametrize(
    "text",
    [
        "cus_NffrFeUfNV2Hib ch_3MmlLrLkdIwHu7ix0snN0B15 in_1 re_1 cbtxn_1 txn_1 sub_1 run_1 case_1",
        "https://api.stripe.com/v1/customers?limit=100",
        "risk_score task_id network_timeout worker_name mask_test_1",
        "GET /v1/charges brought HTTP 500",
        "refund:ch_1 key give_back:cbtxn_1:0:1",
        "2026-10-28.endive 45.00 usd",
        "das Guthaben ist 45,00 € – alles gut",
    ],
)
def test_what_the_on_call_needs_stays(text: str) -> None:
    """Ids, addresses, figures and words that only resemble a key are left alone."""
    assert redact(text) == text


def test_json_is_one_object_a_line_with_a_utc_time() -> None:
    """What a log collector reads: also a traceback stays on its line, and numbers stay numbers."""
    written = io.StringIO()
    configure_logging(json=True, stream=written)
    try:
        fail(ValueError("two\nlines"))
    except ValueError:
        structlog.get_logger().exception("bug", amount_minor=4500, live=True, reason=None)
    (line,) = written.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["amount_minor"]) == ("bug", "error", 4500)
    assert (event["live"], event["reason"]) == (True, None)
    assert event["timestamp"].endswith("Z")
    assert event["timestamp"][10] == "T"
    assert "ValueError: two\nlines" in event["exception"]


def test_control_characters_do_not_reach_the_terminal(stream: io.StringIO) -> None:
    """A customer's name may hold an escape sequence; a carriage return would hide the line before it."""
    structlog.get_logger().info("case_closed\x1b[2J", name="a\x1b]0;x\x07\rb\x9b")
    logging.getLogger("urllib3").warning("odd \x1b[31m")
    assert not {"\x1b", "\x07", "\r", "\x9b"} & set(stream.getvalue())
    assert "\\u001b" not in stream.getvalue()


def test_libraries_are_heard_from_warning_on(stream: io.StringIO) -> None:
    """urllib3 at level info would write a line for each connection."""
    for name in ("sqlalchemy.engine", "alembic.runtime.migration", "urllib3.connectionpool", "stripe"):
        logging.getLogger(name).info("quiet")
        logging.getLogger(name).warning("loud")
    structlog.get_logger().debug("quiet")
    structlog.get_logger().info("ours")
    assert "quiet" not in stream.getvalue()
    assert stream.getvalue().count("loud") == 4
    assert stream.getvalue().count("ours") == 1


def test_configuring_again_replaces_the_stream_and_leaves_other_handlers() -> None:
    """Each event is written once, to the stream that was named last."""
    first, second, others = io.StringIO(), io.StringIO(), logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(others)
    configure_logging(json=True, stream=first)
    log = structlog.get_logger()
    log.info("one")
    configure_logging(json=True, stream=second)
    log.info("two")
    logging.getLogger("urllib3").warning("three")
    assert [json.loads(line)["event"] for line in first.getvalue().splitlines()] == ["one"]
    assert [json.loads(line)["event"] for line in second.getvalue().splitlines()] == ["two", "three"]
    assert others in logging.getLogger().handlers


def test_a_run_is_on_the_events_of_its_thread_only() -> None:
    """Two runs in two threads do not mix, and after a run its id is gone."""
    written = io.StringIO()
    configure_logging(json=True, stream=written)
    meet = threading.Barrier(2, timeout=10)

    def work(run: str) -> None:
        with bind_run(run=run):
            meet.wait()
            structlog.get_logger().info("inside", expected=run)
            logging.getLogger("urllib3").warning("inside %s", run)
            meet.wait()
        structlog.get_logger().info("after")

    threads = [threading.Thread(target=work, args=[f"run_{number}"]) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = [json.loads(line) for line in written.getvalue().splitlines()]
    inside = [event for event in events if event["event"].startswith("inside")]
    assert len(inside) == 4
    assert all(event["run"] in {event.get("expected"), event["event"].removeprefix("inside ")} for event in inside)
    assert ["run" in event for event in events if event["event"] == "after"] == [False, False]


def test_a_password_that_is_called_password_does_not_hide_the_name_from_the_patterns() -> None:
    """What this process was given is not shown; of a password named like its own key the patterns take care."""
    keep_secret({"password", "Planted-word"})
    shown = redact("host=db password='Other' and Planted-word")
    assert shown == "host=db password='[secret]' and [secret]"
