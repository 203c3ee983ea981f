"""Sleeping until a booked slot comes."""

from collections.abc import Callable

# A worker that was paused (swapped out, its container throttled, its machine suspended) wakes up with up to 32 slots of
# the past, all of which it would use at once. Slots older than this are lost; so a second never holds more than
# `rate x (1 + LATE_S_MAX)` calls. Threads of a busy worker oversleep by about 10 ms.
LATE_S_MAX = 0.1
# Where every sleep is that late the machine is overloaded, and throwing slots away would stop it altogether.
SLOTS_MAX = 3


def wait_for_slot(book: Callable[[], float], *, monotonic: Callable[[], float], sleep: Callable[[float], None]) -> None:
    """Sleep until a slot comes; book another one, a few times, where it was slept through.

    Args:
        book: Books a slot and returns when it comes, in the time of `monotonic`.
        monotonic: Seconds that never go back.
        sleep: Waits for seconds.
    """
    for _ in range(SLOTS_MAX):
        slot = book()
        ahead = slot - monotonic()
        if ahead > 0:
            sleep(ahead)
        if monotonic() - slot <= LATE_S_MAX:
            return
