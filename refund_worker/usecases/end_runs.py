"""Ends the shared runs that are over: their sums are read from the ledger, and people are told of each night."""

from dataclasses import replace

from refund_worker.domain.cases import Outcome
from refund_worker.domain.currencies import plain_amount
from refund_worker.domain.funds import Shortage
from refund_worker.domain.nights import DISCOVERY_SILENT, UNUSUAL, Phase, SharedRun, events_name
from refund_worker.domain.notices import Notice, NoticeKind
from refund_worker.domain.protocol import LEASE_S
from refund_worker.domain.runs import Run, RunMode, RunStatus
from refund_worker.domain.summary import Tally, tally
from refund_worker.usecases.report_run import HELD_AND_OWN, OWN, rows_of
from refund_worker.usecases.world import World

# A night that a halt keeps from its work ends before the next one begins; so does one whose discovery has no answer.
_IN_VAIN_AFTER_S = 20 * 3600


def end_runs(world: World) -> tuple[str, ...]:
    """End every shared run that is over; returns their names. Several workers may ask: each run ends once."""
    ended = []
    for shared in world.queue.open_runs():
        run = world.ledger.run(shared.run)
        if run is None:
            continue
        is_night = run.command == "night"
        if is_night and _in_vain(world, shared, run):
            continue  # stopped now: it ends the next time
        over = _night_is_over(world, shared) if is_night else _events_are_over(world, shared)
        if over and _end(world, shared, run):
            ended.append(shared.name)
        elif not is_night and shared.stopped_by is not None and shared.stop != UNUSUAL:
            _tell_stopped(world, shared)
    return tuple(ended)


def end_waiting(world: World, *, next_night: SharedRun) -> tuple[str, ...]:
    """End the nights that wait as unusual when the next one begins: it takes their entries over, and is weighed itself.

    The entries go first: until then nobody works on them.
    """
    ended = []
    for shared in world.queue.open_runs():
        run = world.ledger.run(shared.run)
        if shared.phase is not Phase.WAITING or shared.run == next_night.run or run is None:
            continue
        world.queue.take_over_entries(of_run=shared.run, to_run=next_night.run)
        if _end(world, shared, run):
            ended.append(shared.name)
    return tuple(ended)


def _night_is_over(world: World, shared: SharedRun) -> bool:
    """Nothing of it is left; what rests until the next night, because Stripe is silent or a limit is reached, is not.

    A stopped night is over when what was begun is finished.
    """
    now = world.clock.now()
    if shared.phase is Phase.WAITING:
        return False  # until it is let through, or the next night begins
    if shared.stopped_by is not None:
        return world.queue.worked_on(shared.run, now=now) == 0
    until = world.calendar.next_night().at
    return shared.phase is Phase.WORKING and world.queue.left_of(shared.run, before=until) == 0


def _in_vain(world: World, shared: SharedRun, run: Run) -> bool:
    """Stop a night that a halt, or Stripe's silence, kept from its work until the next one is near."""
    if shared.stopped_by is not None or world.clock.now() - run.started_at < _IN_VAIN_AFTER_S:
        return False
    halt = world.halted()
    if halt is not None:
        world.queue.stop_shared(shared.run, message=f"halted: {halt.reason}", kind="halt")
    elif shared.phase is Phase.DISCOVERING and shared.customers_read == 0:
        world.queue.stop_shared(shared.run, message="Stripe gave no answer to the discovery", kind=DISCOVERY_SILENT)
    else:
        return False
    return True


def _events_are_over(world: World, shared: SharedRun) -> bool:
    """It is a later date, and has been for longer than a case that was begun before may still take."""
    today = events_name(world.calendar.today())
    if shared.name[: len(today)] >= today:  # dates sort; one to come is of a worker whose clock is ahead
        return False
    now = world.clock.now()
    if shared.cursor is None:
        world.queue.progress(shared.run, cursor=str(now))
        return False
    return now >= int(shared.cursor) + LEASE_S and world.queue.left_of(shared.run) == 0


def _end(world: World, shared: SharedRun, run: Run) -> bool:
    swept = run.sweep and shared.phase is Phase.WORKING
    own: dict[str, object] = {} if swept else {"standings": HELD_AND_OWN if run.command == "night" else OWN}
    counted = tally_of_run(world, replace(run, summary=own))
    limited = run.mode is RunMode.RUN and counted.counts[str(Outcome.PLANNED)] > 0
    status = RunStatus.STOPPED if shared.stopped_by is not None or limited else RunStatus.FINISHED
    summary: dict[str, object] = {
        "run": run.id,
        "mode": str(run.mode),
        "status": str(status),
        "customers_read": shared.customers_read,
        "counts": counted.counts,
        "totals": counted.totals,
        "name": shared.name,
        "swept": swept,
        "missed": shared.missed,
        "stopped_by": shared.stopped_by,
        **own,
    }
    # Before its end is committed: whoever is killed in between tells of it the next time, by the same key. An unusual
    # run was told of when it began to wait.
    if shared.stopped_by is not None and shared.stop != UNUSUAL:
        _tell_stopped(world, shared, counted)
    elif run.command == "night" and shared.stopped_by is None:
        body = _body(shared, counted, world.queue.shortages(run.id))
        _tell(world, shared, kind=NoticeKind.NIGHT_FINISHED, title=_title(shared, status), body=body)
    return world.queue.end_shared(run.id, status=str(status), summary=summary, now=world.clock.now())


def tally_of_run(world: World, run: Run) -> Tally:
    """Count what the ledger knows of a run, page by page: memory stays flat, however many cases."""
    return tally(row.result for row in rows_of(world.ledger, run))


def _tell_stopped(world: World, shared: SharedRun, counted: Tally | None = None) -> None:
    body = f"{shared.stopped_by}\nWhat is left waits for the next night."
    if counted is not None:
        body += "\n" + _body(shared, counted, world.queue.shortages(shared.run))
    _tell(world, shared, kind=NoticeKind.NIGHT_STOPPED, title=_title(shared, RunStatus.STOPPED), body=body)


def _tell(world: World, shared: SharedRun, *, kind: NoticeKind, title: str, body: str) -> None:
    # One key for the end and for the stop of an events run, which is told of before its end.
    notice = Notice(key=f"ended {shared.run}", kind=kind, title=title, body=body)
    world.queue.notify(notice, now=world.clock.now())


def _title(shared: SharedRun, status: RunStatus) -> str:
    what, _, date = shared.name.partition(" ")
    limited = status is RunStatus.STOPPED and shared.stopped_by is None
    ended = "finished, but for what a limit of the run kept back" if limited else status
    return f"The {what} run of {date}: {ended}"


def _body(shared: SharedRun, counted: Tally, shortages: tuple[Shortage, ...]) -> str:
    """Counts and sums, one currency a line; no names."""
    counts = ", ".join(f"{count} {word}" for word, count in counted.counts.items() if count and word != "examined")
    lines = [f"run {shared.run}", f"{counted.counts['examined']} cases: {counts or 'nothing to refund'}"]
    for currency, sums in counted.totals.items():
        amounts = ", ".join(
            f"{word} {plain_amount(sums[f'{word}_minor'], currency=currency)}"
            for word in ("credit", "refunded", "pending", "planned", "held", "left")
            if sums[f"{word}_minor"]
        )
        lines.append(amounts or f"nothing in {currency.upper()}")
    lines += [shortage.line() for shortage in shortages]
    if shared.missed:
        lines.append(f"{shared.missed} credits were found that no event had told of: look at the webhook endpoint")
    return "\n".join(lines)
