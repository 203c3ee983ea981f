"""Wires adapters to ports: the one place that knows which adapter stands behind which port."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from refund_worker.adapters.calendar import CrontabCalendar
from refund_worker.adapters.clock import SystemClock
from refund_worker.adapters.counts import Counts
from refund_worker.adapters.halt_watch import HaltWatch
from refund_worker.adapters.ledger import SqlLedger
from refund_worker.adapters.policy_file import load_policy
from refund_worker.adapters.processes import is_gone, worker_name
from refund_worker.adapters.rate_limiter import Limiter, limiter_of
from refund_worker.adapters.stripe_gateway import StripeApi
from refund_worker.domain.policy import Policy
from refund_worker.settings import Settings
from refund_worker.usecases.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """A world ready to act, whether its ledger was made just now, what it counts, and what to release."""

    world: World
    ledger_is_new: bool
    counts: Counts
    release: Callable[[], None]

    def close(self) -> None:
        """Give up connections, and the share of the common rate."""
        self.release()


def wire(settings: Settings, *, policy: Policy, customers: Sequence[str] = ()) -> Wired:
    """Build the world of a command that speaks to Stripe.

    The key and the named customers are tried before the ledger is touched: a wrong one leaves no file behind.

    Raises:
        StripeError: If Stripe refuses the key, cannot be reached, or has no such customer (NotFound).
        LedgerError: If the ledger cannot be used, or is another account's.
        ValueError: If the key or the address is malformed.
    """
    clock, counts = SystemClock(), Counts()
    global_per_second, endpoint_per_second = settings.rates()
    limiter: Limiter = limiter_of(
        settings.redis_url, global_per_second=global_per_second, endpoint_per_second=endpoint_per_second
    )
    stripe = StripeApi(
        api_key=settings.api_key,
        api_base=settings.api_base,
        limiter=limiter,
        clock=clock,
        on_call=counts.call,
    )
    account = stripe.account()
    # From here on all workers of this account keep one limit together.
    limiter.share(account=account.id, livemode=account.livemode)
    for customer in customers:
        stripe.customer(customer)
    ledger = open_ledger(settings)
    is_new = ledger.bind(account, now=clock.now())
    world = World(
        stripe=stripe,
        ledger=ledger,
        queue=ledger.queue,
        halted=HaltWatch(ledger.queue.halted),
        clock=clock,
        calendar=CrontabCalendar(crontab=settings.night_crontab, tz=settings.company_tz, clock=clock),
        new_id=new_id,
        worker=worker_name(),
        is_gone=is_gone,
        account=account,
        policy=policy,
        settling_s=settings.settling_s,
    )

    def release() -> None:
        stripe.close()
        limiter.close()
        ledger.close()

    return Wired(world=world, ledger_is_new=is_new, counts=counts, release=release)


def stripe_of(settings: Settings) -> StripeApi:
    """Build the gateway alone, which keeps a rate of its own; nothing is sent. Raises ValueError."""
    per_second = settings.rates()
    limiter = limiter_of(
        None, global_per_second=per_second.global_per_second, endpoint_per_second=per_second.endpoint_per_second
    )
    return StripeApi(api_key=settings.api_key, api_base=settings.api_base, limiter=limiter, clock=SystemClock())


def read_policy(settings: Settings, *, all_time: bool = False) -> Policy:
    """Read the policy in force; with `all_time` no credit is too old to be listed."""
    policy = load_policy(settings.policy_path, tz=settings.company_tz)
    return replace(policy, credit_since=None) if all_time else policy


def open_ledger(settings: Settings, *, create: bool = True) -> SqlLedger:
    """Open the ledger; a SQLite file is migrated by itself, and created where `create`. Raises LedgerError."""
    return SqlLedger.open(settings.database_url, create=create)


def new_id(kind: str) -> str:
    """A random id that says what it names; 122 random bits never meet on two machines."""
    return f"{kind}_{uuid.uuid4().hex}"
