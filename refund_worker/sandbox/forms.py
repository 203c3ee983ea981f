"""Form decoding and encoding in Stripe's bracket notation, for query strings and bodies alike.

Both styles are read: `expand[]=a&expand[]=b` and `expand[0]=a&expand[1]=b`, literal or percent-encoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from refund_worker.sandbox.errors import ApiError

_BOTH = "Invalid form: the parameter {name} is given both as a value and as a group."


def pairs(text: str) -> list[tuple[str, str]]:
    """The decoded (name, value) pairs in the order given; a part without `=` has an empty value."""
    found = []
    for part in text.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        if "%" in name or "+" in name:
            name = unquote_plus(name)
        if "%" in value or "+" in value:
            value = unquote_plus(value)
        found.append((name, value))
    return found


def tree(flat: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Nest bracketed names; groups whose keys are all numbers or empty become lists.

    Raises:
        ApiError: If a name is used both as a value and as a group, or its brackets do not match.
    """
    root: dict[str, Any] = {}
    grouped = False
    for name, value in flat:
        if "[" not in name:
            root[name] = value
            continue
        grouped = True
        _put(root, name, value)
    return {name: _lists(value) for name, value in root.items()} if grouped else root


def _put(root: dict[str, Any], name: str, value: str) -> None:
    head, _, rest = name.partition("[")
    if not rest.endswith("]"):
        raise ApiError(f"Invalid parameter name: {name}", param=name, stored=False)
    keys = [head, *rest[:-1].split("][")]
    node = root
    for key in keys[:-1]:
        child = node.setdefault(key or str(len(node)), {})
        if not isinstance(child, dict):
            raise ApiError(_BOTH.format(name=name), param=name, stored=False)
        node = child
    last = keys[-1] or str(len(node))
    if isinstance(node.get(last), dict):
        raise ApiError(_BOTH.format(name=name), param=name, stored=False)
    node[last] = value


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(child) for key, child in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def encode(params: Mapping[str, Any]) -> str:
    """The form of a nested mapping, as stripe-python sends it (indexed arrays, `true` and `false`)."""
    return "&".join(f"{quote_plus(name, safe='[]')}={quote_plus(value)}" for name, value in _flat(params))


def _flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in params.items():
        name = f"{prefix}[{key}]" if prefix else key
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        elif isinstance(value, (list, tuple)):
            yield from _flat({str(index): item for index, item in enumerate(value)}, name)
        elif isinstance(value, bool):
            yield name, "true" if value else "false"
        elif value is None:
            yield name, ""
        else:
            yield name, str(value)
