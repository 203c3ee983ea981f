"""Events of the last 30 days, newest first."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.errors import ApiError, resource_missing
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route
from refund_worker.sandbox.world import EVENTS_KEPT_SECONDS

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Fields, Record


def retrieve(call: Call) -> Record:
    """One event, if it is not too old."""
    record = call.world.existing("event", call.id)
    if record.fields["created"] < call.world.now - EVENTS_KEPT_SECONDS:
        raise resource_missing("event", call.id)
    return record


def listed(call: Call) -> Page:
    """Events of a type (`customer.*` is one), or of up to 20 types."""
    wanted = dict(call.params)
    if "type" in wanted and "types" in wanted:
        raise ApiError("You may only specify one of these parameters: type, types.", stored=False)
    kept = call.world.now - EVENTS_KEPT_SECONDS
    asked = wanted.get("created", {})
    wanted["created"] = {**asked, "gte": max(asked.get("gte", kept), kept)}
    types = wanted.get("types") or ([wanted["type"]] if "type" in wanted else [])
    exact = frozenset(types)

    delivered = wanted.get("delivery_success")

    def fits(event: Fields) -> bool:
        if delivered is not None and delivered != (event["pending_webhooks"] == 0):
            return False
        kind = event["type"]
        return not exact or kind in exact or any("*" in one and fnmatchcase(kind, one) for one in exact)

    store = call.world.store
    filtered = types or delivered is not None
    return page(store, "event", store.ids("event"), wanted, url="/v1/events", where=fits if filtered else None)


ROUTES = (
    Route(
        method="GET", path="/v1/events", act=listed, answers="list:event", permission="event_read",
        takes={
            **params.PAGE, "created": params.created, "type": params.text,
            "types": params.array(params.text, longest=20), "delivery_success": params.boolean,
        },
    ),
    Route(
        method="GET", path="/v1/events/{event}", act=retrieve, answers="event", permission="event_read",
        takes=params.EXPAND,
    ),
)  # fmt: skip
