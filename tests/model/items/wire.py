"""What may happen to one request on its way to Stripe and back."""

from collections.abc import Iterator

from tests.model.items.state import State
from tests.model.items.world import (
    DELETE_ITEM,
    ERROR_AFTER_EFFECT,
    ERROR_BEFORE_EFFECT,
    ERROR_WITHOUT_EFFECT,
    UNKNOWN,
    Answer,
    Request,
    submit,
)

_STORED_500S = (
    (ERROR_WITHOUT_EFFECT, "gets a 500, without effect"),
    (ERROR_AFTER_EFFECT, "gets a 500, after the effect"),
    (ERROR_BEFORE_EFFECT, "gets a 500, the effect comes later"),
)


def outcomes(state: State, request: Request) -> Iterator[tuple[str, State, Answer, bool]]:
    """Every way the send may end: label, state, answer, and whether recovery may count on it."""
    world, faults = state.world, state.faults
    after, answer = submit(world, request)
    yield "sends", state._replace(world=after), answer, True
    if faults.delays:
        less = faults._replace(delays=faults.delays - 1)
        late = world._replace(transit=tuple(sorted((*world.transit, request))))
        yield "sends, hears nothing of", state._replace(world=late, faults=less), Answer(UNKNOWN), False
    if faults.stored_500s and request.step != DELETE_ITEM:  # a DELETE has no key, its 500 is a lost answer
        less = faults._replace(stored_500s=faults.stored_500s - 1)
        for fault, label in _STORED_500S:
            after, answer = submit(world, request, fault=fault)
            if not answer.replayed:
                yield label + ",", state._replace(world=after, faults=less), answer, False
