"""Reads what webhooks may have lost from the events API into the inbox; the whole discovery of an ordinary night.

The watermark is the time of the newest event that a complete read began with, by Stripe's clock; ours only keeps it
from the future. Each read begins an hour before it: events of the same second, and events that Stripe lists late, are
read again and known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from refund_worker.domain.events import EVENTS_KEPT_S, Event, EventSource
from refund_worker.usecases.world import World

OVERLAP_S = 3600
# The oldest events are gone before a long read reaches them, and clocks differ.
GAP_S = EVENTS_KEPT_S - 24 * 3600
_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What a poll brought.

    Attributes:
        read: Events that Stripe listed.
        new: Of them, those that the inbox did not know.
        sweep_needed: Events since the watermark are gone, or there is none yet: only a sweep finds what they told of.
    """

    read: int
    new: int
    sweep_needed: bool


def poll_events(world: World) -> Polled:
    """Read all events since the watermark into the inbox, then move it; killed before that, the next poll reads anew.

    Where a sweep is needed, only what is recent is read and the watermark stays: the night that sweeps moves it.

    Raises:
        StripeError: If the events could not be read to the end; what was read is in the inbox.
    """
    mark, now = world.queue.watermark(), world.clock.now()
    sweep_needed = is_gap(watermark=mark, now=now)
    newest, read, new = 0, 0, 0
    events = world.stripe.events(since=(now if mark is None or sweep_needed else mark) - OVERLAP_S)
    for page in _pages(events):
        new += world.queue.receive(page, source=EventSource.POLL, now=now)
        read += len(page)
        newest = max(newest, *(event.created for event in page))
    if newest and not sweep_needed:
        # It never goes back: one event from the future, as of a test clock, must not keep the others from being read.
        world.queue.read_up_to(min(newest, now))
    return Polled(read=read, new=new, sweep_needed=sweep_needed)


def begin_watermark(world: World) -> None:
    """Set the watermark for a sweep that begins now: from here on events tell what changes."""
    now = world.clock.now()
    newest = next(iter(world.stripe.events(since=now - GAP_S)), None)
    # Without any event in a month, our own clock must do; a day of difference between clocks costs nothing then.
    world.queue.read_up_to(min(newest.created, now) if newest is not None else now - 24 * 3600)


def is_gap(*, watermark: int | None, now: int) -> bool:
    """Whether events since the watermark may be gone from Stripe."""
    return watermark is None or now - watermark > GAP_S


def _pages(events: Iterator[Event]) -> Iterator[list[Event]]:
    while page := list(islice(events, _PAGE)):
        yield page
