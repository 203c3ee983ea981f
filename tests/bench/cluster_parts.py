"""The parts of the bench that speak of the cluster: each measures, prints its rows and says whether all was met."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tests.bench import discovery, event_to_refund, flat
from tests.bench.cluster import ClusterNight, cluster_night
from tests.bench.night import TIMES_MAX
from tests.bench.rows import say
from tests.bench.webhooks import webhooks

WORKERS: Final = (1, 2, 4)
ACHIEVED_MIN: Final = 0.95
THROTTLED_MAX: Final = 0.005
FEW: Final = 1_000
_WRONG_SHOWN: Final = 5


def add_options(options: argparse.ArgumentParser) -> None:
    """Add how much is measured."""
    options.add_argument("--workers", type=int, action="append", help="of cluster, may be repeated (1, 2 and 4)")
    options.add_argument("--cases", type=int, default=5_000, help="of one worker in flat (5000)")
    options.add_argument("--queued", type=int, default=100_000, help="customers in the queue, in redis (100000)")
    options.add_argument("--changes", type=int, default=1_000, help="of discovery (1000)")
    options.add_argument("--rate", type=int, default=300, help="of webhooks: deliveries a second (300)")
    options.add_argument("--seconds", type=int, default=30, help="of webhooks: how long (30)")
    options.add_argument("--cancellations", type=float, default=2.0, help="of event_to_refund: a second, for 60 s (2)")


def _cluster(given: argparse.Namespace) -> bool:
    met = [_night_on(workers, given.credits) for workers in given.workers or WORKERS]
    return all(met)


def _night_on(workers: int, credits_open: int) -> bool:
    found = cluster_night(credits_open=credits_open, workers=workers)
    say("cluster", f"{credits_open} credits on {workers} workers (each took {_listed(found.worker_cases)})")
    say("throughput", f"{found.per_second:.2f} cases a second, achievable {found.achievable:.2f}")
    say("times", f"{found.times:.3f} of what the limits allow (target {TIMES_MAX}), {found.throttled} x 429 (target 0)")
    _say_costs(found)
    return _whole(found.wrong) and found.times <= TIMES_MAX and found.throttled == 0


def _halved(given: argparse.Namespace) -> bool:
    found = cluster_night(credits_open=given.credits, workers=2, halved=True)
    (halved_at, _), (full_at, _) = found.limits[1:]
    say("halved", f"{given.credits} credits on 2 workers, half the limit from {halved_at:.0f} s to {full_at:.0f} s")
    say("achieved", f"{100 / found.times:.1f} % of what the limits allowed (target {100 * ACHIEVED_MIN:.0f})")
    say(
        "throttled",
        f"{100 * found.throttled_part:.2f} % of the calls: {found.throttled} (target {100 * THROTTLED_MAX} %)",
    )
    _say_costs(found)
    return _whole(found.wrong) and 1 / found.times >= ACHIEVED_MIN and found.throttled_part < THROTTLED_MAX


def _say_costs(found: ClusterNight) -> None:
    per = 1_000 / found.credits
    say("calls", f"{found.calls_per_case:.2f} a case; busiest {found.busiest[0]}, {found.busiest[1]:.2f} a case")
    for call, count in sorted(found.calls.items()):
        print(f"    {count:>7} {call}")
    say(
        "workers", f"{per * sum(found.worker_cpu_s):.1f} ms CPU a case, start-up included; {found.finished_s[-1]:.0f} s"
    )
    sizes = _listed(rss >> 20 for rss in found.worker_rss)
    say("memory", f"{sizes} MiB a worker at its peak; Redis {found.redis_bytes / 1e6:.1f} MB")
    say("sandbox", f"{per * found.sandbox_cpu_s:.1f} ms CPU a case")
    transactions = found.transactions / found.credits
    say("PostgreSQL", f"{per * found.postgres_cpu_s:.1f} ms CPU and {transactions:.1f} transactions a case")


def _event_to_refund(given: argparse.Namespace) -> bool:
    found = event_to_refund.event_to_refund(rate=given.cancellations, seconds=60)
    p50, p99 = found.percentile(0.5), found.percentile(0.99)
    say("refund", f"{len(found.seconds)} of {found.cancelled} cancellations, {given.cancellations:g} a second")
    say(
        "after",
        f"{event_to_refund.SETTLING_S} s of settling and p50 {p50:.2f} s, p99 {p99:.2f} s "
        f"(target {event_to_refund.P99_MAX_S:g}), slowest {found.seconds[-1]:.2f} s; {found.throttled} x 429",
    )
    say("calls", f"{sum(found.calls.values()) / found.cancelled:.2f} a case until the last refund")
    return _whole(found.wrong) and p99 <= event_to_refund.P99_MAX_S and found.throttled == 0


def _flat(given: argparse.Namespace) -> bool:
    found = flat.flat(cases=given.cases)
    after = ", ".join(
        f"{rss / 2**20:.1f} after {part * found.cases:.0f}" for part, rss in zip(flat.PARTS, found.rss, strict=True)
    )
    say("flat", f"MiB of one worker: {after}")
    say("growth", f"{found.growth / 2**20:.1f} MiB after the first tenth (target {flat.GROWTH_MAX / 2**20:.0f})")
    cpu_ms = 1e3 * found.cpu_s / found.cases
    say("speed", f"{found.cases / found.wall_s:.1f} cases a second on one worker, {cpu_ms:.1f} ms CPU a case")
    return _whole(found.wrong) and found.growth <= flat.GROWTH_MAX


def _redis(given: argparse.Namespace) -> bool:
    found = flat.queued(customers=given.queued)
    say("Redis", f"{found.redis_max / 1e6:.2f} MB at most (target {flat.REDIS_MAX / 1e6:.0f})")
    say("queue", f"{found.customers} customers at first, {found.left} left")
    return found.redis_max < flat.REDIS_MAX


def _discovery(given: argparse.Namespace) -> bool:
    met = [_discover(customers, given.changes) for customers in (FEW, given.customers)]
    return all(met)


def _discover(customers: int, changes: int) -> bool:
    found = discovery.discovery(customers=max(customers, changes), changes=changes)
    say("discovery", f"{found.discovering} calls (target {discovery.CALLS_MAX})")
    say("of", f"{changes} changes among {found.customers} customers")
    _say_calls(found.calls)
    say("night", f"{sum(found.night.values()) / changes:.2f} calls a change, discovery and refunds")
    _say_calls(found.night)
    return _whole(found.wrong) and found.discovering <= discovery.CALLS_MAX


def _webhooks(given: argparse.Namespace) -> bool:
    return webhooks(rate=given.rate, seconds=given.seconds)


def _whole(wrong: tuple[str, ...]) -> bool:
    """Whether nothing is wrong; says what is."""
    if not wrong:
        say("books", "each credit refunded once, every balance at zero")
    for line in wrong[:_WRONG_SHOWN]:
        say("WRONG", line.strip())
    return not wrong


def _say_calls(calls: Mapping[str, int]) -> None:
    for call, count in sorted(calls.items()):
        print(f"    {count:>7} {call}")


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


PARTS: Final[dict[str, Callable[[argparse.Namespace], bool]]] = {
    "cluster": _cluster,
    "halved": _halved,
    "webhooks": _webhooks,
    "event_to_refund": _event_to_refund,
    "flat": _flat,
    "redis": _redis,
    "discovery": _discovery,
}
