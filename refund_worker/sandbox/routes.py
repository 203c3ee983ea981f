"""Routes: an endpoint's address, its parameters, the permission it needs, and what it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from refund_worker.sandbox.errors import unrecognized_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from refund_worker.sandbox.listing import Page
    from refund_worker.sandbox.params import Spec
    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World


@dataclass(slots=True)
class Call:
    """A request that has passed every check: path ids in order, parameters of the right form."""

    world: World
    ids: tuple[str, ...]
    params: dict[str, Any]

    @property
    def id(self) -> str:
        """The first id of the path."""
        return self.ids[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint. `answers` is the kind of its answer, `list:` before it for a list."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    act: Callable[[Call], Record | Page | Fields]
    answers: str
    permission: str
    takes: Spec = field(default_factory=dict)
    required: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Method and template, as rate limits and counters know it."""
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    any_id: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """Finds the route of a method and path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.path.split("/")[1:]:
            if segment.startswith("{"):
                node.any_id = node = node.any_id or _Node()
            else:
                node = node.children.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"two routes for {route.label}")
        node.routes[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
        """The route and the ids in the path.

        Raises:
            ApiError: 404 if there is none.
        """
        node, ids = self._root, []
        for segment in path.split("/")[1:]:
            child = node.children.get(segment)
            if child is None:
                child = node.any_id
                if child is None or not segment:
                    raise unrecognized_url(method, path)
                ids.append(segment)
            node = child
        route = node.routes.get(method)
        if route is None:
            raise unrecognized_url(method, path)
        return route, tuple(ids)
