"""The web process as its users start it, over real connections."""

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.server import free_port
from refund_worker.adapters.ledger.opening import open_database
from refund_worker.entrypoints.web.connection import HEAD_WITHIN_S
from refund_worker.entrypoints.web.webhooks import BODY_MAX
from tests.web.deliveries import MAIL, OTHER_SECRET, SECRET, body_of, event, signature
from tests.web.ledgers import file_url, received

PROGRAM = Path(sys.executable).with_name("refund-worker")
TOKEN = "Planted7-metrics-token"  # noqa: S105  planted
KEY = "sk_test_Planted7"


@dataclass(slots=True)
class Running:
    """A web process and its port."""

    port: int
    process: "subprocess.Popen[str]"
    log: str = ""

    def post(self, body: bytes, *signatures: str) -> int:
        """Deliver a webhook; the status of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest("POST", "/webhooks/stripe")
            for one in signatures:
                connection.putheader("Stripe-Signature", one.encode("latin-1"))
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return connection.getresponse().status
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers of a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), {name.lower(): told for name, told in answer.getheaders()}
        finally:
            connection.close()

    def raw(self, *parts: bytes, half_close: bool = False) -> bytes:
        """Send bytes and read all that comes until the connection ends."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            for part in parts:
                connection.sendall(part)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
            return answer

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code. The log is whole then."""
        self.process.send_signal(number)
        _, self.log = self.process.communicate(timeout=30)
        return self.process.returncode


@contextmanager
def started(directory: Path, **environment: str) -> Iterator[Running]:
    """`refund-worker web` with this environment and no other."""
    port = free_port()
    usual = {"PATH": os.environ["PATH"], "DATABASE_URL": file_url(directory), "PORT": str(port)}
    process = subprocess.Popen(
        [PROGRAM, "web"], env=usual | environment, cwd=directory, stderr=subprocess.PIPE, text=True
    )
    running = Running(port=port, process=process)
    try:
        deadline = time.monotonic() + 30
        while process.poll() is None:
            try:
                running.get("/healthz")
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def said(web: Running) -> str:
    """The one line of a process that has ended."""
    assert web.process.stderr is not None
    (line,) = web.process.stderr.read().splitlines()
    return line


def kept(directory: Path) -> list[str]:
    """The ids of the events in the inbox of a directory's ledger."""
    database = open_database(file_url(directory))
    try:
        return [row["id"] for row in received(database)]
    finally:
        database.close()


def head(length: int | str, *more: str) -> bytes:
    """The head of a delivery."""
    lines = ["POST /webhooks/stripe HTTP/1.1", "Host: shop.example", f"Content-Length: {length}", *more]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def test_the_process(tmp_path: Path) -> None:
    """One process: deliveries, faults of every kind, probes, metrics, and an end in order."""
    secrets = f"{OTHER_SECRET},{SECRET}"
    with started(tmp_path, STRIPE_WEBHOOK_SECRET=secrets, METRICS_TOKEN=TOKEN, STRIPE_API_KEY=KEY) as web:
        body = body_of(event("evt_1"))
        assert [web.post(body, signature(body)), web.post(body, signature(body))] == [200, 200]
        second = body_of(event("evt_2"))
        assert web.post(second, signature(second, secret=OTHER_SECRET)) == 200
        _check_faults(web)
        _check_slow_senders(web)
        assert web.get("/readyz")[0] == 200
        assert web.get("/metrics")[0] == 403
        status, text, headers = web.get("/metrics", Authorization=f"Bearer {TOKEN}")
        assert (status, "refund_worker_ready" in text, "server" in headers) == (200, True, False)
        assert web.get("/nothing")[0] == 404
        assert web.end() == 0
        assert kept(tmp_path) == ["evt_1", "evt_2"]
        for planted in ("Planted7", MAIL, "jane.roe"):
            assert planted not in web.log
        lines = [json.loads(line) for line in web.log.splitlines()]
    assert {"web_started", "webhook_received", "webhook_refused", "web_ended"} <= {line["event"] for line in lines}
    assert "Traceback" not in web.log


def _check_faults(web: Running) -> None:
    """What no client of Stripe's sends; each is 400, and none keeps the process."""
    body = body_of(event("evt_bad"))
    right = signature(body)
    signed = f"Stripe-Signature: {right}"
    refused = {
        "forged": web.post(body, signature(body, secret=SECRET[:-1])),
        "not_ascii": web.post(body, f"{right}é"),
        "doubled": web.post(body, right, right),
        "from_the_future": web.post(body, signature(body, age_s=-400)),
        "too_old": web.post(body, signature(body, age_s=400)),
        "not_json": web.post(b"{", signature(b"{")),
        "other_mode": web.post(live := body_of(event("evt_live", livemode=True)), signature(live)),
    }
    assert refused == dict.fromkeys(refused, 400)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    chunked = head(5, signed).replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")
    answers = {
        "too_long_by_its_word": web.raw(head(BODY_MAX + 1, signed)),
        "too_long_in_chunks": web.raw(chunked, *[chunk] * 4, b"1\r\n \r\n"),
        "length_is_no_number": web.raw(head("many", signed)),
        "two_lengths": web.raw(head(5, "Content-Length: 6", signed), b"abcdef"),
        "no_http": web.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10 + b"\r\n\r\n"),
        "endless_header": web.raw(head(5, "X-Long: " + "a" * 100_000)),
    }
    assert web.raw(head(len(body), signed), body[:20], half_close=True) == b""  # nobody waits for an answer
    firsts = {name: answer.split(b"\r\n")[0][:12] for name, answer in answers.items()}
    assert firsts == dict.fromkeys(answers, b"HTTP/1.1 400")
    assert not [answer for answer in answers.values() if b"uvicorn" in answer.lower() or b"evt_" in answer]


def _check_slow_senders(web: Running) -> None:
    """Neither a head that trickles nor a body that does not come holds a connection for long."""
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as slow:
        slow.sendall(head(100)[:40])
        assert web.raw(head(100), b"{").startswith(b"HTTP/1.1 400")
        slow.sendall(b"X")
        assert slow.recv(100) == b""
    assert time.monotonic() - begun < HEAD_WITHIN_S + 5


def test_without_a_secret(tmp_path: Path) -> None:
    """The endpoint is disabled, and one line at the start says so; the rest serves."""
    with started(tmp_path) as web:
        body = body_of(event())
        assert web.post(body, signature(body)) == 503
        assert [web.get(path)[0] for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
        assert web.end(signal.SIGINT) == 0
        (line,) = [json.loads(line) for line in web.log.splitlines() if "webhooks_disabled" in line]
    assert "STRIPE_WEBHOOK_SECRET" in line["why"]


def test_a_ledger_that_cannot_be_reached(tmp_path: Path) -> None:
    """One line that names it, exit code 2, no password."""
    with started(tmp_path, DATABASE_URL="postgresql://u:Planted7@127.0.0.1:1/none") as web:
        assert web.process.wait(30) == 2
        line = said(web)
    assert line.startswith("refund-worker: ")
    assert "127.0.0.1:1/none" in line
    assert "Planted7" not in line


def test_the_port_is_taken(tmp_path: Path) -> None:
    """Also one line."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        with started(tmp_path, PORT=str(other.getsockname()[1])) as web:
            assert web.process.wait(30) == 2
            assert "cannot listen on port" in said(web)


def test_more_connections_than_files(tmp_path: Path) -> None:
    """Idle connections take no file that the process needs: no line, and the next one is served."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with started(tmp_path) as web, ExitStack() as idle:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            for _ in range(400):
                idle.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=20))
            assert web.get("/healthz")[0] == 200
            idle.close()
            assert web.end() == 0
            assert "accept" not in web.log
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
