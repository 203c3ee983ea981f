"""`run`, `plan` and `resume`: wires the world, makes one pass, says what it did."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import typer
from rich.console import Console

from refund_worker.bootstrap import Wired, read_policy, wire
from refund_worker.domain.errors import NotFound
from refund_worker.domain.policy import Policy
from refund_worker.domain.queueing import Cause
from refund_worker.domain.results import CaseResult
from refund_worker.domain.runs import RunMode, RunStatus
from refund_worker.entrypoints.customer_ids import is_customer_id
from refund_worker.entrypoints.exits import Exit, Out, WrongUse, exit_of_run, say, showing
from refund_worker.entrypoints.halting import halted_line, user_at_host
from refund_worker.entrypoints.json_form import run_json
from refund_worker.entrypoints.logs import CaseLog
from refund_worker.entrypoints.stock import Stock
from refund_worker.entrypoints.stopping import stop_on_signals
from refund_worker.entrypoints.table import ProgressWatcher, print_run, why_stopped, would_stop
from refund_worker.observability import configure_logging, keep_secret
from refund_worker.settings import Settings, load_settings
from refund_worker.usecases.run_gate import RunGate
from refund_worker.usecases.run_night import RunResult, Watcher, run_night
from refund_worker.usecases.want_customer import want_customer


def run(*, customers: Sequence[str], limit: int | None, unusual: bool, as_json: bool) -> Exit:
    """Make a pass that moves money; with a live key only where REFUND_LIVE=1 says so.

    Args:
        unusual: Let it through although it is unlike the past nights; who says so enters the trail.
    """
    settings = load_settings(os.environ)
    mode = RunMode.PLAN if plans_only(settings) else RunMode.RUN
    by = user_at_host() if unusual else None
    return _pass(
        settings, mode=mode, command="run", customers=customers, limit=limit, let_through_by=by, as_json=as_json
    )


def queue(*, customers: Sequence[str], as_json: bool) -> Exit:
    """Put customers into the queue of the workers, due now."""
    if not customers:
        raise WrongUse("--queue needs --customer ID: the workers begin each night by themselves")
    for customer in customers:
        check_customer(customer)
    settings = load_settings(os.environ)
    wired = open_world(settings, read_policy(settings), customers=customers)
    for customer in customers:
        want_customer(wired.world, customer=customer, cause=Cause.COMMAND)
    with showing():
        if as_json:
            print(json.dumps({"queued": list(customers)}))  # noqa: T201  the contract's one object
        else:
            typer.echo(f"queued for the workers: {', '.join(customers)}; the log of `refund-worker worker` tells more")
    return Exit.FINISHED


def plan(*, customers: Sequence[str], all_time: bool, as_json: bool) -> Exit:
    """Make a pass that only reads and plans."""
    settings = load_settings(os.environ)
    return _pass(settings, mode=RunMode.PLAN, command="plan", customers=customers, all_time=all_time, as_json=as_json)


def resume(*, as_json: bool) -> Exit:
    """Finish interrupted cases, without looking for new credit."""
    settings = load_settings(os.environ)
    if plans_only(settings):
        raise WrongUse("REFUND_LIVE is not 1: set it to 1 to finish interrupted cases with this live key")
    return _pass(settings, mode=RunMode.RUN, command="resume", discover=False, as_json=as_json)


def plans_only(settings: Settings) -> bool:
    """A live key moves money only with REFUND_LIVE=1."""
    return settings.livemode and not settings.refund_live


def check_customer(customer: str) -> None:
    """Raise WrongUse unless the text can be a customer's id."""
    if not is_customer_id(customer):
        raise WrongUse(f"{customer!r} is not a customer id (cus_…)")


def check_live_policy(settings: Settings, policy: Policy) -> None:
    """Raise WrongUse where the policy leaves open how old the credit may be that leaves with a live key."""
    if settings.livemode and policy.credit_since is None:
        raise WrongUse(
            "credit_since is not set: with a live key policy.toml must say from which date credit may leave "
            "(`refund-worker plan --all-time` shows what is older)"
        )


def open_world(settings: Settings, policy: Policy, *, customers: Sequence[str] = ()) -> Wired:
    """Wire the world, and say that a new ledger knows nothing of earlier reservations.

    Raises:
        WrongUse: If a named customer does not exist.
    """
    configure_logging(json=not sys.stderr.isatty(), stream=sys.stderr)
    keep_secret(settings.secrets())
    try:
        wired = wire(settings, policy=policy, customers=customers)
    except NotFound as error:
        named = ", ".join(customers)
        raise WrongUse(f"Stripe knows no such customer in this account and mode ({named}): {error}") from None
    if wired.ledger_is_new:
        say("this ledger is new: if refund-worker ran here before with another one, run `refund-worker recover` first")
    return wired


def _pass(
    settings: Settings,
    *,
    mode: RunMode,
    command: str,
    customers: Sequence[str] = (),
    limit: int | None = None,
    all_time: bool = False,
    discover: bool = True,
    let_through_by: str | None = None,
    as_json: bool,
) -> Exit:
    for customer in customers:
        check_customer(customer)
    policy = read_policy(settings, all_time=all_time)
    if not all_time:
        check_live_policy(settings, policy)
    wired = open_world(settings, policy, customers=customers)
    if command == "run" and mode is RunMode.PLAN:
        say("REFUND_LIVE is not 1: with this live key nothing is moved, plans only")
    halt = wired.world.halted() if mode is RunMode.RUN else None
    if halt is not None:
        say(halted_line(halt))
        return Exit.STOPPED
    gate = RunGate(policy=policy, cases_max=limit)
    stock = Stock(now=wired.world.clock.now())
    with stop_on_signals(gate, wired.world.ledger), _watching(stock, as_json=as_json) as watcher:
        result = run_night(
            wired.world,
            gate,
            watcher,
            mode=mode,
            command=command,
            customers=customers,
            discover=discover,
            let_through_by=let_through_by,
        )
    with showing():
        _show(result, stock if all_time else None, as_json=as_json)
    _name_what_is_left(result, wired.world.ledger.live_cases())
    return exit_of_run(result)


@contextmanager
def _watching(stock: Stock, *, as_json: bool) -> Iterator[Watcher]:
    console = Console(stderr=True)
    with ProgressWatcher(console) if console.is_terminal and not as_json else nullcontext() as progress:
        yield CaseLog(progress, also=stock.add)


def _show(result: RunResult, stock: Stock | None, *, as_json: bool) -> None:
    if as_json:
        more = {"stock": stock.as_json()} if stock is not None else {}
        print(json.dumps(run_json(result.summary(), result.cases) | more))  # noqa: T201  the contract's one object
        return
    console = Out()
    print_run(console, result)
    if stock is not None:
        stock.show(console)


def _name_what_is_left(result: RunResult, live: Sequence[str]) -> None:
    """Say on standard error what a person must know: what stopped the run, which cases failed or are unfinished."""
    if result.permission is not None:
        say(result.permission)
    elif result.status is RunStatus.STOPPED:
        say(f"stopped: {why_stopped(result)}")
    elif result.status is RunStatus.INTERRUPTED:
        left = ", ".join(live) or "none"
        say(f"interrupted; unfinished cases: {left}; the next `refund-worker run` finishes them and goes on")
    for line in would_stop(result):
        say(line)
    for case in result.cases:
        if case.outcome in {"failed", "unknown", "owed"}:
            say(f"{case.customer} {case.outcome} ({case.reason}){_detail(case)}")


def _detail(case: CaseResult) -> str:
    lines = (case.detail or "").strip().splitlines()
    return f": {lines[-1]}" if lines else ""
