"""The morning after: judged from the sandbox's books; the ledger is asked only whether anything is stuck."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from refund_worker.sandbox import Sandbox
from tests.crash import item_judge, judge
from tests.kill.program import HUNG_S, OUTPUT
from tests.kill.stories import Evening, differences, missing_minor
from tests.kill.trail import remains


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong after a night; nothing, it is hoped.

    Attributes:
        doubles: Second refunds of one step of one case.
        losses: A debit with a rest, more out than was debited, an item that exists beside its credit, other money than
            the stories say.
        lost_minor: What customers or the company are short of, in cents.
        stuck: Cases still live, a last run that did not finish, an audit trail that does not verify.
        customers: Whose money was looked at.
        refunds: How many refunds of the program stand.
    """

    doubles: tuple[str, ...]
    losses: tuple[str, ...]
    lost_minor: int
    stuck: tuple[str, ...]
    starts: int
    customers: int
    refunds: int

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not (self.doubles or self.losses or self.stuck)

    def __str__(self) -> str:
        found = [*self.doubles, *self.losses, *self.stuck]
        return f"{len(self.doubles)} double refunds, {self.lost_minor} cents lost, {len(self.stuck)} stuck" + "".join(
            f"\n  {line}" for line in found[:20]
        )


def judged(sandbox: Sandbox, evening: Evening, *, place: Path, environment: dict[str, str], starts: int) -> Verdict:
    """Judge a night that has come to rest."""
    books = sandbox.books()
    return Verdict(
        doubles=tuple(line for book in books for line in judge.double_refunds(book)),
        losses=(
            *judge.losses(sandbox),
            *(line for book in books for line in differences(evening, book)),
            *item_judge.unsettled(sandbox),
        ),
        lost_minor=sum(abs(missing_minor(evening, book)) for book in books),
        stuck=tuple(_stuck(place, environment)),
        starts=starts,
        customers=len(books),
        refunds=sum("refund_worker_case" in refund.metadata for book in books for refund in book.refunds),
    )


def _stuck(place: Path, environment: dict[str, str]) -> list[str]:
    """The last run must have finished everything, and `audit verify` must find nothing wrong."""
    live = remains(place / "ledger.sqlite", beside=place).live
    found = [f"{count} live cases: {step} {state}" for (step, state), count in live.items()]
    told: dict[str, Any] = json.loads((place / OUTPUT).read_bytes() or b"{}")
    found += [
        f"{case['customer']} is {case['outcome']} ({case['reason']})"
        for case in told.get("cases", [])
        if case["outcome"] not in {"refunded", "partly_refunded", "held", "skipped"}
    ]
    if told.get("status") != "finished":
        found.append(f"the last run is {told.get('status')}, not finished")
    verified = subprocess.run(
        [Path(sys.executable).with_name("refund-worker"), "audit", "verify"],
        env=environment, cwd=place, capture_output=True, text=True, timeout=HUNG_S, check=False,
    )  # fmt: skip
    if verified.returncode != 0:
        found.append(f"audit verify: {verified.stdout.strip() or verified.stderr.strip()}")
    return found
