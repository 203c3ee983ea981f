"""The discovery of a run of one process: all customers are read and weighed before the first is examined."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from refund_worker.domain.new_credit import Scale
from refund_worker.domain.runs import Run, RunMode
from refund_worker.domain.unusual import Weighing, lines_of
from refund_worker.usecases.discover_credits import Found
from refund_worker.usecases.run_gate import RunGate
from refund_worker.usecases.weigh import add_page, usual_now
from refund_worker.usecases.world import World

HOW_TO_LET_THROUGH = "look at `refund-worker plan`, then let it through with `refund-worker run --unusual`"
_PAGE = 200


@dataclass(slots=True, kw_only=True)
class Discovery:
    """What a discovery found: whom to examine, and what it weighs; None where the customers were named.

    Of those without credit nothing is kept: memory does not grow with them.
    """

    to_examine: deque[Found]
    weighing: Weighing | None


def discover_run(
    world: World, gate: RunGate, found: Iterator[Found], *, run: Run, read: Callable[[], None]
) -> Discovery:
    """Read everybody; with a sweep, weigh what is found.

    Args:
        read: Told of each customer that was read.

    Raises:
        StripeError: If the customers cannot be read to the end: then nobody is examined.
    """
    kept: deque[Found] = deque()
    scale = Scale()
    page: dict[str, Mapping[str, int]] = {}
    for one in found:
        if gate.closed:
            return Discovery(to_examine=deque(), weighing=None)
        read()
        if one.to_examine:
            kept.append(one)
            page[one.customer.id] = one.credit_minor
        if run.sweep and len(page) == _PAGE:
            add_page(world, scale, page)
            page = {}
    if not run.sweep:
        return Discovery(to_examine=kept, weighing=None)
    add_page(world, scale, page)
    return Discovery(to_examine=kept, weighing=usual_now(world).weigh(scale.weight))


def settle_weighing(world: World, gate: RunGate, weighing: Weighing, *, run: Run, let_through_by: str | None) -> None:
    """Record what a run that moves money weighs; where it is unusual and nobody lets it through, it begins no case."""
    if run.mode is not RunMode.RUN:
        return
    unusual = "; ".join(lines_of(weighing))
    now = world.clock.now()
    with world.ledger.writing() as writer:
        writer.weighed(run=run.id, weighing=weighing, now=now)
        if weighing.unusual and let_through_by is not None:
            writer.let_through(run=run.id, by=let_through_by, reason="run --unusual", unusual=unusual, now=now)
    if weighing.unusual and let_through_by is None:
        gate.wait(f"this night is unlike the past ones: {unusual}; {HOW_TO_LET_THROUGH}")
