"""The ledger's database is put back from an older copy, in the middle of everything; then one of two ways is gone.

`as_documented`: a restored backup counts as lost (docs/operations.md): a new ledger, `recover --full`, and again after
the 24 hours that a young reserve has to wait. `simply`: what people do: the workers go on with the copy. Then nothing
may be lost for good either: what the copy has forgotten is found by `recover --full` a day later.
"""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, get_args

from psycopg import sql

from refund_worker.adapters.ledger import upgrade
from refund_worker.sandbox import Fault
from tests.chaos.deployment import Deployment
from tests.chaos.faults import DAY_AND_HOUR_S
from tests.chaos.stage import Stage, come_to_rest, feeding, stage
from tests.chaos.trace import write_traces
from tests.chaos.verdict import Verdict
from tests.crash.scenes import REFUNDS

Way = Literal["as_documented", "simply"]
WAYS: Final[tuple[Way, ...]] = get_args(Way)
CUSTOMERS = 120
# How long it lives before the copy is made, and from the copy until it is put back.
BEFORE_S = 10.0
BETWEEN_S = 10.0
# How long the workers go on with the copy before somebody reads the manual.
SIMPLY_S = 20.0
# How long refunds have no answer before the copy is made, and how many are refused after it.
SILENT_S = 3.0
REFUSED = 8


def restored(way: Way, *, seed: int, directory: Path, say: Callable[[str], None], scale: float = 1.0) -> Verdict:
    """Live through it; the verdict when all is at rest."""
    place = directory / f"restored_{way}"
    place.mkdir(exist_ok=True)
    customers = int(CUSTOMERS * scale)
    with stage(workers=(2,), customers=customers, seed=seed, directory=place, say=say) as on:
        one = on.deployments[0]
        with feeding(on.people):
            time.sleep(BEFORE_S * scale)
            _copied(on, one)
            time.sleep(BETWEEN_S * scale)
            one.pause()
        live = one.trail.live().total()
        _put_back(on, one, empty=way == "as_documented")
        kept = one.trail.live().total()
        say(f"  {way}: {live} cases were live, {kept} are in the ledger that was put back")
        if way == "as_documented":
            _recover(one, say)
        else:
            one.go_on()
            time.sleep(SIMPLY_S * scale)
            one.pause()
        _a_day(on, one)
        _recover(one, say)
        one.go_on()
        stuck = come_to_rest(on, say)
        write_traces(on.people, on.deployments, place / "trace.txt")
        return on.judge(stuck=stuck)


def _copied(on: Stage, one: Deployment) -> None:
    """Copy the database while all its processes are stopped, and start them again.

    Refunds have no answer before the copy is made, and are refused after it: the copy knows cases that were given back
    since, and has forgotten that their refunds were refused for good.
    """
    on.sandbox.faults.add(Fault(kind="before_execution", method="POST", path=REFUNDS, times=0))
    time.sleep(SILENT_S)
    one.pause(how=signal.SIGTERM)
    one.trail.close()
    on.sandbox.faults.clear()
    on.sandbox.faults.add(
        Fault(kind="refused", method="POST", path=REFUNDS, times=REFUSED, code="charge_expired_for_capture")
    )
    on.postgres.create_database(f"copy_{one.name}", template=f"ledger_{one.name}")
    one.go_on()


def _put_back(on: Stage, one: Deployment, *, empty: bool) -> None:
    one.trail.close()
    on.postgres.drop_database(f"ledger_{one.name}")
    if empty:
        upgrade(on.postgres.create_database(f"ledger_{one.name}"))
    else:
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        on.postgres._execute(rename.format(sql.Identifier(f"copy_{one.name}"), sql.Identifier(f"ledger_{one.name}")))


def _recover(one: Deployment, say: Callable[[str], None]) -> None:
    code = one.command("recover", "--full", output=one.log.with_suffix(".recover"))
    say(f"  recover --full: exit code {code}")


def _a_day(on: Stage, one: Deployment) -> None:
    on.sandbox.clock.advance(DAY_AND_HOUR_S)
    one.shift_s += DAY_AND_HOUR_S
