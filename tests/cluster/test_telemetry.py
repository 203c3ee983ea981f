"""Sentry is told of bugs, scrubbed like the log; what is not installed is told in one line."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport
from structlog.testing import capture_logs

from refund_worker.entrypoints import telemetry
from refund_worker.entrypoints.chores import Trouble
from refund_worker.settings import load_settings

DSN = {"SENTRY_DSN": "https://planted@o1.ingest.sentry.io/1"}


class Kept(Transport):
    """Keeps what would be sent."""

    sent: list[str]

    def capture_envelope(self, envelope: Any) -> None:
        """Keep it."""
        self.sent.append(envelope.serialize().decode())


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Nobody reports after the test."""
    yield
    telemetry._reporters.clear()
    telemetry._tracers.clear()
    sentry_sdk.get_client().close()
    sentry_sdk.init()


def test_sentry_gets_no_secret_no_variable_and_no_name() -> None:
    """A bug is reported with its traceback, without the values of its frames."""
    telemetry.begin_telemetry(load_settings(DSN), role="worker")
    client = sentry_sdk.get_client()
    kept = Kept(client.options)
    kept.sent = []
    client.transport = kept

    def fail() -> None:
        local = "variable-of-a-frame"
        raise ValueError(f"kim@example.com sk_live_planted1 {len(local)}")

    try:
        fail()
    except ValueError as bug:
        Trouble("work").tell(bug)
    (sent,) = kept.sent
    assert "ValueError" in sent
    for secret in ("kim@example.com", "sk_live_planted1", "variable-of-a-frame"):
        assert secret not in sent


@pytest.mark.parametrize(
    ("environ", "module", "said"),
    [
        (DSN, "sentry_sdk", "sentry_missing"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, "opentelemetry.sdk.trace", "opentelemetry_missing"),
    ],
)
def test_a_missing_extra_is_told(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], module: str, said: str
) -> None:
    """One clear line, and work goes on."""
    monkeypatch.setitem(sys.modules, module, None)
    with capture_logs() as lines:
        telemetry.begin_telemetry(load_settings(environ), role="worker")
    assert [line["event"] for line in lines] == [said]


def test_nothing_is_loaded_that_is_not_asked_for() -> None:
    """Without the variables nobody is told."""
    telemetry.begin_telemetry(load_settings({}), role="worker")
    telemetry.report("nothing")
    with telemetry.span("nothing"):
        assert not telemetry._reporters
