"""What may happen to one request on its way to Stripe and back."""

from collections.abc import Iterator

from tests.model.state import Configuration, State
from tests.model.world import (
    CHANGED,
    ERROR_AFTER_EFFECT,
    ERROR_BEFORE_EFFECT,
    ERROR_WITHOUT_EFFECT,
    REFUSED,
    UNKNOWN,
    Answer,
    Request,
    World,
    submit,
)

_STORED_500S = (
    (ERROR_WITHOUT_EFFECT, "gets a 500, without effect"),
    (ERROR_AFTER_EFFECT, "gets a 500, after the effect"),
    (ERROR_BEFORE_EFFECT, "gets a 500, the effect comes later"),
)


def arrivals(setting: Configuration, world: World, request: Request) -> Iterator[tuple[World, Answer]]:
    """Stripe executes the request; a refusal is stored or not (two at most, to keep the model finite)."""
    stored = sum(answer.kind in (REFUSED, CHANGED) for _, answer in world.keys)
    for stores in setting.stores_refusals:
        yield submit(world, request, setting.charges, stores_refusals=stores and stored < 2)


def outcomes(setting: Configuration, state: State, request: Request) -> Iterator[tuple[str, State, Answer, bool]]:
    """Every way the send may end: label, state, answer, and whether recovery may count on it."""
    world, faults = state.world, state.faults
    for after, answer in arrivals(setting, world, request):
        yield "sends", state._replace(world=after), answer, True
    if faults.delays:
        less = faults._replace(delays=faults.delays - 1)
        late = world._replace(transit=tuple(sorted((*world.transit, request))))
        yield "sends, hears nothing", state._replace(world=late, faults=less), Answer(UNKNOWN), False
    if faults.stored_500s:
        less = faults._replace(stored_500s=faults.stored_500s - 1)
        for fault, label in _STORED_500S:
            after, answer = submit(world, request, setting.charges, stores_refusals=False, fault=fault)
            if not answer.replayed:
                yield label, state._replace(world=after, faults=less), answer, False
