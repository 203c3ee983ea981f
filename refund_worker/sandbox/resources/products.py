"""Products: what prices are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refund_worker.sandbox import params
from refund_worker.sandbox.listing import page
from refund_worker.sandbox.routes import Call, Route

if TYPE_CHECKING:
    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.store import Record
    from refund_worker.sandbox.world import World


def make(world: World, *, name: str, identifier: str | None = None, metadata: dict[str, str] | None = None) -> Record:
    """A new product."""
    return world.store.insert(
        "product",
        {
            "id": identifier or world.ids.take("prod"),
            "object": "product",
            "active": True,
            "created": world.now,
            "default_price": None,
            "description": None,
            "images": [],
            "livemode": world.settings.livemode,
            "marketing_features": [],
            "metadata": metadata or {},
            "name": name,
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "tax_details": None,
            "type": "service",
            "unit_label": None,
            "updated": world.now,
            "url": None,
        },
    )


def create(call: Call) -> Record:
    """A new product."""
    given = call.params
    return make(call.world, name=given["name"], identifier=given.get("id"), metadata=given.get("metadata"))


def retrieve(call: Call) -> Record:
    """One product."""
    return call.world.existing("product", call.id)


def listed(call: Call) -> Page:
    """Products, newest first."""
    store = call.world.store
    return page(store, "product", store.ids("product"), call.params, url="/v1/products")


ROUTES = (
    Route(
        method="POST", path="/v1/products", act=create, answers="product", permission="product_write",
        takes={**params.EXPAND, "id": params.text, "name": params.text, "metadata": params.metadata},
        required=("name",),
    ),
    Route(
        method="GET", path="/v1/products", act=listed, answers="list:product", permission="product_read",
        takes={**params.PAGE, "created": params.created},
    ),
    Route(
        method="GET", path="/v1/products/{product}", act=retrieve, answers="product", permission="product_read",
        takes=params.EXPAND,
    ),
)  # fmt: skip
