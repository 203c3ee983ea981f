"""The figures of the ledger as Prometheus reads them.

Counters come from the table in which all workers add theirs.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from refund_worker.adapters.ledger.gauges import Gauges
from refund_worker.domain.cases import Outcome
from refund_worker.domain.counting import CASES, CENTS, EVENTS, LABELS, STRIPE_CALLS, STRIPE_THROTTLES
from refund_worker.domain.events import EventSource
from refund_worker.domain.refund_watch import OPEN_STATUSES

PREFIX: Final = "refund_worker_"

_SAYS: Final = {
    CASES: "Cases that were looked at, by outcome and reason.",
    CENTS: "Minor units of the currency, by what was done with them.",
    EVENTS: "Stripe's events, by how they came and what became of them.",
    STRIPE_CALLS: "Requests to Stripe.",
    STRIPE_THROTTLES: "Requests that Stripe throttled.",
}
# There from the first scrape on: of a series that begins with one Prometheus sees no increase.
_BEGUN: Final[dict[str, list[tuple[str, ...]]]] = {
    CASES: [(str(outcome), "") for outcome in Outcome],
    EVENTS: [(str(source), "new") for source in EventSource],
    STRIPE_THROTTLES: [("",)],
}


class Exposition(Collector):
    """One scrape: what the checks say, and the figures where the ledger could be read."""

    def __init__(self, *, checks: Mapping[str, bool], gauges: Gauges | None) -> None:
        self._checks = checks
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """The metrics, in the order in which they are read."""
        yield _gauge(
            "ready",
            "1 where the check of /readyz passed.",
            labels=("check",),
            samples=[((name,), fine) for name, fine in self._checks.items()],
        )
        if self._gauges is not None:
            yield from _counters(self._gauges)
            yield from _of_queue(self._gauges)
            yield from _of_money(self._gauges)
            yield from _of_operation(self._gauges)


def _counters(gauges: Gauges) -> Iterator[Metric]:
    known = _by_name(gauges.counters)
    for name, labels in LABELS.items():
        family = CounterMetricFamily(name, _SAYS[name], labels=labels)
        samples = dict.fromkeys(_BEGUN.get(name, ()), 0) | _labelled(known.get(name, {}), labels)
        for values, count in samples.items():
            family.add_metric(values, count)
        yield family
    ended = CounterMetricFamily(PREFIX + "runs", "Runs that ended.", labels=("command", "status"))
    for values, count in gauges.runs.items():
        ended.add_metric(values, count)
    yield ended
    missed = CounterMetricFamily(PREFIX + "missed_credits", "Credits that a sweep found and no event had told of.")
    missed.add_metric((), gauges.missed_credits)
    yield missed


def _of_queue(gauges: Gauges) -> Iterator[Metric]:
    yield _gauge(
        "queue_entries",
        "Customers in the queue.",
        labels=("state",),
        samples=[((state,), count) for state, count in gauges.queue.items()],
    )
    yield _gauge(
        "queue_oldest_due_seconds",
        "How long the oldest entry that is due has waited.",
        samples=[((), gauges.queue_oldest_due_s)],
    )


def _of_money(gauges: Gauges) -> Iterator[Metric]:
    yield _gauge("live_cases", "Cases between their reserve and their end.", samples=[((), gauges.live_cases)])
    yield _gauge(
        "oldest_unfinished_case_seconds", "The age of the oldest live case.", samples=[((), gauges.oldest_unfinished_s)]
    )
    yield _gauge(
        "reserved_not_refunded_cent_minutes",
        "Minor units that are debited and neither refunded nor given back, times the minutes since.",
        labels=("currency",),
        samples=[((currency,), product) for currency, product in sorted(gauges.cent_minutes.items())],
    )
    statuses = dict.fromkeys(sorted(OPEN_STATUSES), 0) | dict(gauges.pending_refunds)
    yield _gauge(
        "pending_refunds",
        "Refunds whose last word Stripe has not said.",
        labels=("status",),
        samples=[((status,), count) for status, count in statuses.items()],
    )
    yield _gauge(
        "pending_refund_oldest_seconds",
        "The age of the oldest one.",
        samples=[((), gauges.pending_refund_oldest_s)],
    )


def _of_operation(gauges: Gauges) -> Iterator[Metric]:
    if gauges.night_finished_s is not None:
        yield _gauge(
            "seconds_since_finished_night",
            "Since a night finished; absent until one has.",
            samples=[((), gauges.night_finished_s)],
        )
    yield _gauge("halted", "1 while a halt stands.", samples=[((), gauges.halted)])
    yield _gauge(
        "unusual_runs",
        "Runs that wait to be let through, because they are unlike the past ones.",
        samples=[((), gauges.unusual_runs)],
    )
    yield _gauge("unsent_notices", "Notices that wait to be sent.", samples=[((), gauges.unsent_notices)])


def _gauge(
    name: str, says: str, *, labels: tuple[str, ...] = (), samples: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, says, labels=labels)
    for values, reading in samples:
        family.add_metric(values, float(reading))
    return family


def _by_name(counters: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    named: dict[str, dict[str, int]] = {}
    for (name, labels), count in counters.items():
        named.setdefault(name, {})[labels] = count
    return named


def _labelled(counted: Mapping[str, int], labels: tuple[str, ...]) -> dict[tuple[str, ...], int]:
    """Counts by the values of their labels; one that is not given is empty, one that is not known is left out."""
    found: dict[tuple[str, ...], int] = {}
    for told, count in counted.items():
        given = json.loads(told)
        values = tuple(str(given.get(label) or "") for label in labels)
        found[values] = found.get(values, 0) + count
    return found
