"""All of it together: customers cancel, workers die, everything goes wrong; then it ends, and is judged."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.chaos.faults import Faults
from tests.chaos.killer import Killer
from tests.chaos.people import Crowd
from tests.chaos.stage import IN_HAND, come_to_rest, feeding, stage
from tests.chaos.trace import write_traces
from tests.chaos.verdict import Verdict
from tests.kill.cells import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """What is to happen.

    Attributes:
        seconds_max: The kills end after so long, however few they were.
        faults: None = as they are drawn until the kills are done; else these, in order.
    """

    kills: int
    seed: int
    workers: tuple[int, ...] = (3, 2)
    customers: int = 0
    seconds_max: float = 3600.0
    kill_pause_s: float = 0.2
    fault_pause_s: float = 3.0
    faults: Sequence[str] | None = None
    in_hand: int = IN_HAND
    fault_seconds: tuple[float, float] = (0.5, 6.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What happened, with the verdict."""

    tally: Tally
    killer: Killer
    faults: Counter[str]
    ends: Counter[int]
    verdict: Verdict
    seconds: float
    rest_s: float
    deliveries: Counter[str]


def live_through(chaos: Chaos, *, directory: Path, say: Callable[[str], None]) -> Told:
    """Let it happen and judge it; nothing is left running, whatever happens."""
    begun = time.monotonic()
    customers = chaos.customers or 200 + chaos.kills * 6 // 5
    with stage(workers=chaos.workers, customers=customers, seed=chaos.seed, directory=directory, say=say) as on:
        stop = threading.Event()
        tally = Tally(wanted=chaos.kills)
        killer = Killer(
            sandbox=on.sandbox, deployments=on.deployments, tally=tally, dice=Random(f"kills {chaos.seed}"), stop=stop,
            pause_s=chaos.kill_pause_s,
        )  # fmt: skip
        faults = Faults(
            sandbox=on.sandbox, deployments=on.deployments, postgres=on.postgres, redis=on.redis,
            dice=Random(f"faults {chaos.seed}"), stop=stop, say=say, pause_s=chaos.fault_pause_s,
            seconds=chaos.fault_seconds,
        )  # fmt: skip
        with feeding(on.people, in_hand=chaos.in_hand):
            _rage(chaos, killer, faults, on.people, stop=stop, say=say)
        faults.end()
        ended = time.monotonic()
        say(f"the faults end after {ended - begun:.0f} s; {len(on.people.cancelled)} customers have cancelled")
        # The next night comes: it polls for what webhooks lost, and finds whose credit waits in pending items.
        faults.a_day_passes()
        faults.night_asked_for()
        stuck = come_to_rest(on, say)
        rest_s = time.monotonic() - ended
        write_traces(on.people, on.deployments, directory / "trace.txt")
        return Told(
            tally=tally,
            killer=killer,
            faults=faults.done,
            ends=Counter(code for one in on.deployments for slot in one.slots.values() for code in slot.ends),
            verdict=on.judge(stuck=stuck, told=faults.accepted_spoilt),
            seconds=time.monotonic() - begun,
            rest_s=rest_s,
            deliveries=Counter(on.sandbox.courier.outcomes()),
        )


def _rage(
    chaos: Chaos, killer: Killer, faults: Faults, people: Crowd, *, stop: threading.Event, say: Callable[[str], None]
) -> None:
    threads = [threading.Thread(target=_noted(killer.work, "killer", say, stop), name="killer")]
    if chaos.faults is None:
        threads.append(threading.Thread(target=_noted(faults.work, "faults", say, stop), name="faults"))
    else:
        named = chaos.faults
        threads.append(threading.Thread(target=_noted(lambda: faults.once_each(named), "faults", say, stop), name="f"))
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        told = begun
        while threads[0].is_alive() or (chaos.faults is not None and threads[1].is_alive()):
            threads[0].join(0.5)
            now = time.monotonic()
            if now - told > 15:
                told = now
                say(
                    f"{now - begun:.0f} s: {killer.tally.total} kills ({killer.inside} inside a money call, "
                    f"{killer.tally.outside} outside, {killer.unmet} unmet), {len(people.cancelled)} cancelled, "
                    f"{len(people.sandbox.reserved)} reserved, {people.sandbox.writes} writes"
                )
            if now - begun > chaos.seconds_max:
                break
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _noted(
    work: Callable[[], None], name: str, say: Callable[[str], None], stop: threading.Event
) -> Callable[[], None]:
    """A thread whose failure ends the chaos and is told."""

    def noted() -> None:
        try:
            work()
        except Exception as error:
            say(f"{name} failed: {type(error).__name__}: {error}")
            stop.set()
            raise

    return noted
