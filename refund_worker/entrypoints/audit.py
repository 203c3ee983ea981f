"""`audit verify` and `db upgrade`."""

import json
import os
import re

import typer

from refund_worker.adapters.ledger import upgrade, verify
from refund_worker.entrypoints.exits import Exit, WrongUse
from refund_worker.settings import load_settings

_HEAD = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")


def verify_ledger(*, noted_head: str | None, as_json: bool) -> Exit:
    """Verify the chain and the sums; 1 where something does not add up."""
    noted = None
    if noted_head is not None:
        found = _HEAD.fullmatch(noted_head)
        if found is None:
            raise WrongUse("--head is SEQUENCE:HASH as an earlier `audit verify` printed it")
        noted = (int(found[1]), found[2])
    settings = load_settings(os.environ)
    verified = verify(settings.database_url, noted_head=noted)
    sequence, digest = verified.head or (0, "")
    head = f"{sequence}:{digest}"
    if as_json:
        content = {"ok": verified.ok, "entries": verified.entries, "head": head, "problem": verified.problem}
        typer.echo(json.dumps(content))
    elif verified.ok:
        typer.echo(f"{verified.entries} audit entries verified; head {head}")
    else:
        typer.echo(f"NOT VERIFIED: {verified.problem}")
    return Exit.FINISHED if verified.ok else Exit.FOUND


def upgrade_ledger() -> None:
    """Create or migrate the ledger."""
    settings = load_settings(os.environ)
    typer.echo(upgrade(settings.database_url))
