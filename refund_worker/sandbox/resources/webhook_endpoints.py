"""Webhook endpoints: where events are sent. The secret is shown at creation and never again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.errors import parameter_empty
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route
from refund_worker.sandbox.webhooks.listening import KIND, event_form, url_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World

_URL = "/v1/webhook_endpoints"


def make(
    world: World,
    *,
    url: str,
    enabled_events: Sequence[str],
    secret: str | None = None,
    api_version: str | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Record:
    """A new endpoint, enabled; without a `secret` it gets one."""
    identifier = world.ids.take("we")
    fields: Fields = {
        "id": identifier,
        "object": KIND,
        "api_version": api_version,
        "application": None,
        "created": world.now,
        "description": description,
        "enabled_events": list(enabled_events),
        "livemode": world.settings.livemode,
        "metadata": params.merged({}, metadata),
        "status": "enabled",
        "url": url,
    }
    return world.store.insert(KIND, fields, {"secret": secret or world.ids.take("whsec")})


def create(call: Call) -> Fields:
    """A new endpoint, with its secret."""
    made = make(call.world, **{name: value for name, value in call.params.items() if name != "connect"})
    return {**made.fields, "secret": made.hidden["secret"]}


def update(call: Call) -> Record:
    """Change the address, the events, the description or the metadata; disable and enable."""
    world, given = call.world, dict(call.params)
    record = world.existing(KIND, call.id)
    metadata = params.merged(record.fields["metadata"], given.pop("metadata", None))
    if "disabled" in given:
        given["status"] = "disabled" if given.pop("disabled") else "enabled"
    return world.store.change(record, metadata=metadata, **given)


def retrieve(call: Call) -> Record:
    """One endpoint."""
    return call.world.existing(KIND, call.id)


def delete(call: Call) -> Fields:
    """Delete an endpoint; what waits for it is not delivered any more."""
    record = call.world.existing(KIND, call.id)
    gone = {"id": record.id, "object": KIND, "deleted": True}
    call.world.store.tombstone(record, gone)
    return gone


def listed(call: Call) -> Page:
    """Endpoints, newest first."""
    store = call.world.store
    return page(store, KIND, store.ids(KIND), call.params, url=_URL)


def _events(raw: object, name: str) -> list[str]:
    """At least one type of event."""
    found: list[str] = params.array(event_form)(raw, name)
    if not found:
        raise parameter_empty(name)
    return found


_FIELDS: params.Spec = {
    **params.EXPAND, "description": params.text_or_unset, "enabled_events": _events, "metadata": params.metadata,
    "url": url_form,
}  # fmt: skip
_ONE = _URL + "/{webhook_endpoint}"

ROUTES = (
    Route(
        method="POST", path=_URL, act=create, answers=KIND, permission="webhook_write",
        takes={**_FIELDS, "api_version": params.text, "connect": params.boolean}, required=("enabled_events", "url"),
    ),
    Route(method="GET", path=_URL, act=listed, answers=f"list:{KIND}", permission="webhook_read", takes=params.PAGE),
    Route(method="GET", path=_ONE, act=retrieve, answers=KIND, permission="webhook_read", takes=params.EXPAND),
    Route(
        method="POST", path=_ONE, act=update, answers=KIND, permission="webhook_write",
        takes={**_FIELDS, "disabled": params.boolean},
    ),
    Route(method="DELETE", path=_ONE, act=delete, answers=KIND, permission="webhook_write"),
)  # fmt: skip
