"""`make demo-cluster`: cancellations, webhooks, refunds; a night on three workers, one of them killed; the books.

Each process is started as users start it. Nothing is faked but Stripe itself, which is the sandbox.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from rich.console import Console
from rich.table import Table

from deploy.local.stack import Stack, program

_CUSTOMERS = 160
_BY_WEBHOOK = 12
_BY_NIGHT = 120
_SETTLING_S = 3
_LATENCY_MS = 40
_PATIENCE_S = 180
_OUTPUT = Path("demo-output/cluster")

console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """A subscription and whose it is."""

    subscription: str
    customer: str


def main() -> int:
    """Show it; 0 where the books say what they must."""
    _OUTPUT.mkdir(parents=True, exist_ok=True)
    (_OUTPUT.parent / ".refund-worker-demo").touch()  # `refund-worker demo` knows the directory for its own
    with Stack(scenario="cluster", customers=_CUSTOMERS, latency_ms=_LATENCY_MS) as stack:
        console.rule("1  Subscriptions are cancelled, webhooks arrive, the refunds follow")
        subscriptions = _subscriptions(stack, _BY_WEBHOOK + _BY_NIGHT)
        daytime = {"SETTLING_SECONDS": str(_SETTLING_S), "NIGHT_CRONTAB": "0 0 1 1 *"}
        with _process(stack, "web", "web", daytime), _process(stack, "worker", "worker", daytime):
            _wait(lambda: _ready(stack), "web is not ready")
            _by_webhook(stack, subscriptions[:_BY_WEBHOOK])
        console.rule("2  A night on three workers, one of them killed")
        _night(stack, subscriptions[_BY_WEBHOOK:])
        console.rule("3  The books")
        return _books(stack)


def _by_webhook(stack: Stack, chosen: Sequence[Subscribed]) -> None:
    cancelled = {one.customer: _cancel(stack, one) for one in chosen}
    took: dict[str, float] = {}

    def all_refunded() -> bool:
        now = time.monotonic()
        took.update({one: now - cancelled[one] for one in _refunded(stack) & cancelled.keys() - took.keys()})
        return len(took) == len(cancelled)

    _wait(all_refunded, "not every cancellation was refunded")
    table = Table("customer", "refunded", "from the cancellation to the refund", box=None)
    amounts = {book.customer: book.refunded for book in stack.sandbox.sandbox.books()}
    for customer, seconds in took.items():
        table.add_row(customer, f"{amounts[customer] / 100:.2f}", f"{seconds:.1f} s")
    console.print(table)
    console.print(f"{_SETTLING_S} s of that let the cancellation's invoice settle (SETTLING_SECONDS; 60 by default).")


def _night(stack: Stack, chosen: Sequence[Subscribed]) -> None:
    at = datetime.now(UTC) + timedelta(seconds=90)
    night = {"NIGHT_CRONTAB": f"{at.minute} {at.hour} * * *", "SETTLING_SECONDS": str(_SETTLING_S)}
    with (
        _process(stack, "beat", "beat", night),
        _process(stack, "worker", "night-worker-1", night) as first,
        _process(stack, "worker", "night-worker-2", night),
        _process(stack, "worker", "night-worker-3", night),
    ):
        # The first worker asks the events API at its start; what happens after that, without web, only the night finds.
        _wait(
            lambda: any(
                _says(name, "events_polled") for name in ("night-worker-2", "night-worker-3", "night-worker-1")
            ),
            "no worker",
        )
        for one in chosen:
            _cancel(stack, one)
        console.print(f"Web is down: {len(chosen)} customers cancelled, and no webhook arrived.")
        console.print(f"NIGHT_CRONTAB='{night['NIGHT_CRONTAB']}' (UTC): the night begins at {at:%H:%M}.")
        before = len(_refunded(stack))
        _wait(lambda: len(_refunded(stack)) > before + len(chosen) // 3, "the night did not begin")
        first.kill()
        done = len(_refunded(stack)) - before
        console.print(f"kill -9 of the first worker, process {first.pid}, after {done} refunds of the night.")
        _wait(lambda: len(_refunded(stack)) >= before + len(chosen), "the night did not end")
        _wait(lambda: _report(stack)[0] == "finished", "the night is not closed")
    console.print(f"All {len(chosen)} customers are refunded.")


def _books(stack: Stack) -> int:
    _, report = _report(stack)
    (_OUTPUT / "night.txt").write_text(report)
    console.print("$ refund-worker report latest", *report.partition("\n\ncus_")[0].splitlines(), sep="\n")
    console.print(f"$ refund-worker audit verify\n{stack.refund_worker('audit', 'verify').strip()}")
    books = stack.sandbox.sandbox.books()
    refunded = [book for book in books if book.refunded]
    twice = [book for book in books if book.refunded > book.credit_granted]
    left = [book for book in books if book.balance != 0]
    console.print(
        f"Stripe's own books: {len(refunded)} customers refunded, {sum(book.refunded for book in refunded) / 100:,.2f} "
        f"in all; {len(twice)} got more than their credit; {len(left)} balances are not at zero."
    )
    console.print(f"Logs and the night's report are in {_OUTPUT}/.")
    return 0 if (len(refunded), len(twice), len(left)) == (_BY_WEBHOOK + _BY_NIGHT, 0, 0) else 1


def _subscriptions(stack: Stack, count: int) -> list[Subscribed]:
    found: list[Subscribed] = []
    page = "/v1/subscriptions?limit=100&status=active"
    while len(found) < count:
        rows = stack.stripe("GET", page)["data"]
        found.extend(Subscribed(subscription=row["id"], customer=row["customer"]) for row in rows)
        page = f"/v1/subscriptions?limit=100&status=active&starting_after={found[-1].subscription}"
    return found[:count]


def _cancel(stack: Stack, one: Subscribed) -> float:
    """Cancel as a merchant's application does; returns when."""
    stack.stripe("DELETE", f"/v1/subscriptions/{one.subscription}", prorate="true", invoice_now="true")
    return time.monotonic()


def _refunded(stack: Stack) -> set[str]:
    return {book.customer for book in stack.sandbox.sandbox.books() if book.refunded}


def _report(stack: Stack) -> tuple[str, str]:
    """The status of the newest run, and its report as text."""
    status = json.loads(stack.refund_worker("report", "latest", "--format", "json"))["status"]
    return status, stack.refund_worker("report", "latest")


def _says(name: str, event: str) -> bool:
    return event in (_OUTPUT / f"{name}.log").read_text()


def _ready(stack: Stack) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{stack.web_port}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def _wait(until: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not until():
        if time.monotonic() > end:
            raise SystemExit(f"{otherwise} within {_PATIENCE_S} seconds: see the logs in {_OUTPUT}/")
        time.sleep(0.2)


@contextmanager
def _process(stack: Stack, role: str, name: str, more: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with (_OUTPUT / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  the program of this checkout
            [str(program()), role], env={**stack.environment, **more}, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # what was started is stopped
        sys.exit(130)
