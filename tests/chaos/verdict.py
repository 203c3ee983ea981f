"""What became of the money, from the sandbox's books; and what the ledgers and logs say of themselves."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from refund_worker.sandbox import Books
from tests.chaos.deployment import Deployment
from tests.chaos.people import Crowd
from tests.crash import judge
from tests.kill import stories

_SHOWN = 30
_EMAIL: Final = re.compile(rb"planted\.\d+@customers\.example")
# Per closed case: reserved - given back - recredited = refunded (invariant 2), from the ledger's own steps.
_UNEQUAL: Final = """
    select c.id, c.customer, c.state, sum(case when s.step = 'reserve' then s.amount_minor else -s.amount_minor end)
    from cases c join steps s on s.case_id = c.id and s.state = 'accepted'
    where c.state in ('closed') and s.step like any (array['reserve%', 'refund%', 'give_back%', 'recredit%'])
       and not (s.step like 'refund%' and coalesce(s.status, '') in ('failed', 'canceled'))
    group by c.id, c.customer, c.state
    having sum(case when s.step = 'reserve' then s.amount_minor else -s.amount_minor end) <> 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong; nothing, it is hoped. `lost_minor`: what customers or the company are short of, cents."""

    doubles: tuple[str, ...]
    losses: tuple[str, ...]
    lost_minor: int
    stuck: tuple[str, ...]
    told: tuple[str, ...]
    customers: int
    refunds: int

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not (self.doubles or self.losses or self.stuck or self.told)

    def __str__(self) -> str:
        found = [*self.doubles, *self.losses, *self.stuck, *self.told]
        more = [f"  and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        others = len(self.losses) + len(self.told)
        counts = f"double refunds {len(self.doubles)}, lost cents {self.lost_minor}, stuck {len(self.stuck)}"
        return "\n".join(
            [
                f"{counts}, other findings {others}",
                *(f"  {line}" for line in found[:_SHOWN]),
                *more,
            ]
        )


def judged(
    crowd: Crowd,
    deployments: Sequence[Deployment],
    *,
    stuck: Iterable[str],
    told: Iterable[str],
    secrets: Sequence[str],
) -> Verdict:
    """Judge what has come to rest."""
    books = crowd.books()
    return Verdict(
        doubles=tuple(line for book in books for line in [*judge.double_refunds(book), *_too_much(crowd, book)]),
        losses=(*judge.losses(crowd.sandbox), *crowd.wrong()),
        lost_minor=sum(abs(stories.missing_minor(crowd.evening, book)) for book in books),
        stuck=tuple(stuck),
        told=(*told, *(line for one in deployments for line in _said(one, secrets))),
        customers=len(books),
        refunds=sum("refund_worker_case" in refund.metadata for book in books for refund in book.refunds),
    )


def _too_much(crowd: Crowd, book: Books) -> list[str]:
    """More went out than the cancellation left: a double refund by whatever name."""
    most, out = stories.most_minor(crowd.evening, book), book.refunded + book.pending
    return [f"{book.customer}: {out} {book.currency} refunded, at most {most} may be"] if out > most else []


def _said(deployment: Deployment, secrets: Sequence[str]) -> Iterable[str]:
    """What its trail, its log and Redis say that they must not."""
    output = deployment.log.with_suffix(".verify")
    if deployment.command("audit", "verify", output=output) != 0:
        yield f"{deployment.name}: audit verify: {output.read_text().strip()[:500]}"
    for row in deployment.trail.rows(_UNEQUAL):
        yield f"{deployment.name}: case {row[0]} of {row[1]} is {row[2]}, {row[3]} of its reserve are left"
    yield from _in_log(deployment)
    text = deployment.log.read_bytes()
    yield from (f"{deployment.name}: the log holds {_veiled(one)}" for one in _secrets_in(text, secrets))
    with deployment.redis as client:
        kept = b"".join(client.dump(name) or b"" for name in client.scan_iter())
    yield from (f"{deployment.name}: Redis holds {_veiled(one)}" for one in _secrets_in(kept, secrets))


def _in_log(deployment: Deployment) -> Iterable[str]:
    seen: dict[str, int] = {}
    for line in deployment.log.read_text(errors="replace").splitlines():
        if "Traceback" in line or '"reason": "bug"' in line:
            kind = _last_line(line)
            seen[kind] = seen.get(kind, 0) + 1
    yield from (f"{deployment.name}: {count} tracebacks in the log: {kind}" for kind, count in seen.items())


def _last_line(line: str) -> str:
    try:
        logged = json.loads(line)
    except ValueError:
        return line[:200]
    trace = str(logged.get("exception") or logged.get("detail") or line)
    return f"{logged.get('event')}: {trace.strip().splitlines()[-1][:300]}"


def _secrets_in(text: bytes, secrets: Sequence[str]) -> list[str]:
    found = [secret for secret in secrets if secret.encode() in text]
    email = _EMAIL.search(text)
    return [*found, *([email.group().decode()] if email else [])]


def _veiled(secret: str) -> str:
    return f"{secret[:6]}… of {len(secret)} characters"
