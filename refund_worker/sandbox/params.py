"""The parameters of an endpoint: which it takes, of what form, and what Stripe says when they are wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from refund_worker.sandbox.errors import (
    parameter_empty,
    parameter_invalid,
    parameter_missing,
    parameter_unknown,
)
from refund_worker.sandbox.money import CURRENCIES

Form = Callable[[Any, str], Any]  # (raw value, full name) -> value
Spec = Mapping[str, Form]

_INTEGER: Final = re.compile(r"[+-]?\d{1,18}")
_METADATA_KEYS_MAX: Final = 50  # docs.stripe.com/api/metadata
_METADATA_KEY_CHARS_MAX: Final = 40
_METADATA_VALUE_CHARS_MAX: Final = 500


def parse(raw: Mapping[str, Any], spec: Spec, *, required: tuple[str, ...] = (), prefix: str = "") -> dict[str, Any]:
    """Check every parameter against `spec`.

    Raises:
        ApiError: For an unknown, missing or malformed one; nothing has been executed then.
    """
    values = {}
    for name, value in raw.items():
        full = f"{prefix}[{name}]" if prefix else name
        form = spec.get(name)
        if form is None:
            raise parameter_unknown(full)
        values[name] = form(value, full)
    for name in required:
        if name not in values:
            raise parameter_missing(f"{prefix}[{name}]" if prefix else name)
    return values


def text(raw: Any, name: str) -> str:
    """A non-empty string."""
    if not isinstance(raw, str):
        raise parameter_invalid(f"Invalid string: {raw}", param=name)
    if not raw:
        raise parameter_empty(name)
    return raw


def text_or_unset(raw: Any, name: str) -> str | None:
    """A string; empty means unset."""
    return text(raw, name) if raw != "" else None


def integer(raw: Any, name: str) -> int:
    """A whole number."""
    if raw == "":
        raise parameter_empty(name)
    if not isinstance(raw, str) or not _INTEGER.fullmatch(raw):
        raise parameter_invalid(f"Invalid integer: {raw}", param=name, code="parameter_invalid_integer")
    return int(raw)


def integer_between(low: int, high: int) -> Form:
    """A whole number within limits, both included."""

    def form(raw: Any, name: str) -> int:
        value = integer(raw, name)
        if value < low:
            bound = f"This value must be greater than or equal to {low}."
        elif value > high:
            bound = f"This value must be less than or equal to {high}."
        else:
            return value
        raise parameter_invalid(bound, param=name, code="parameter_invalid_integer")

    return form


positive = integer_between(1, 99_999_999)  # Stripe's largest amount has eight digits
amount = integer_between(0, 99_999_999)
quantity = integer_between(0, 999_999)
limit = integer_between(1, 100)
timestamp = integer_between(0, 253_402_300_799)


def boolean(raw: Any, name: str) -> bool:
    """`true` or `false`."""
    if raw == "true":
        return True
    if raw == "false":
        return False
    raise parameter_invalid(f"Invalid boolean: {raw}", param=name, code="parameter_invalid_boolean")


def currency(raw: Any, name: str) -> str:
    """A three-letter code Stripe supports, in lower case."""
    code = text(raw, name).lower()
    if code not in CURRENCIES:
        listed = ", ".join(sorted(CURRENCIES))
        raise parameter_invalid(
            f"Invalid currency: {code}. Stripe currently supports these currencies: {listed}", param=name
        )
    return code


def decimal(raw: Any, name: str) -> str:
    """A decimal number, kept as text."""
    if not isinstance(raw, str) or not re.fullmatch(r"-?\d{1,12}(\.\d{1,12})?", raw):
        raise parameter_invalid(f"Invalid decimal: {raw}", param=name, code="parameter_invalid_decimal")
    return raw


def one_of(*values: str) -> Form:
    """One of a closed list of words."""
    listed = ", ".join(values[:-1]) + f", or {values[-1]}" if len(values) > 1 else values[0]

    def form(raw: Any, name: str) -> str:
        if raw not in values:
            raise parameter_invalid(f"Invalid {name}: must be one of {listed}", param=name)
        return str(raw)

    return form


def group(spec: Spec, *, required: tuple[str, ...] = ()) -> Form:
    """A nested group of parameters."""

    def form(raw: Any, name: str) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise parameter_invalid(f"Invalid object: {raw}", param=name)
        return parse(raw, spec, required=required, prefix=name)

    return form


def array(item: Form, *, longest: int = 1000) -> Form:
    """A list; an empty string clears it."""

    def form(raw: Any, name: str) -> list[Any]:
        if raw == "":
            return []
        if not isinstance(raw, list):
            raise parameter_invalid("Invalid array", param=name)
        if len(raw) > longest:
            raise parameter_invalid(f"Array {name} exceeded maximum {longest} allowed elements.", param=name)
        return [item(value, f"{name}[{index}]") for index, value in enumerate(raw)]

    return form


def metadata(raw: Any, name: str) -> dict[str, str]:
    """Key and value pairs within Stripe's limits; `{}` (an empty string) clears, an empty value removes its key."""
    if raw == "":
        return {}
    if not isinstance(raw, (dict, list)):
        raise parameter_invalid("Invalid hash", param=name)
    entries = raw if isinstance(raw, dict) else {str(index): value for index, value in enumerate(raw)}
    for key, value in entries.items():
        if not isinstance(value, str):
            raise parameter_invalid(f"Invalid string: {value}", param=f"{name}[{key}]")
        if len(key) > _METADATA_KEY_CHARS_MAX:
            raise parameter_invalid(
                f"Metadata keys can have up to {_METADATA_KEY_CHARS_MAX} characters, but you passed in a key that is "
                f"{len(key)} characters. Invalid key: {key}", param=name,
            )  # fmt: skip
        if len(value) > _METADATA_VALUE_CHARS_MAX:
            raise parameter_invalid(
                f"Metadata values can have up to {_METADATA_VALUE_CHARS_MAX} characters, but you passed in a value "
                f"that is {len(value)} characters. Invalid value: {value}", param=f"{name}[{key}]",
            )  # fmt: skip
    if len(entries) > _METADATA_KEYS_MAX:
        raise parameter_invalid(f"You can only have up to {_METADATA_KEYS_MAX} metadata keys.", param=name)
    return dict(entries)


_RANGE: Final = group({"gt": timestamp, "gte": timestamp, "lt": timestamp, "lte": timestamp})


def created(raw: Any, name: str) -> dict[str, int]:
    """A time range, or one exact second."""
    if isinstance(raw, str):
        exact = timestamp(raw, name)
        return {"gte": exact, "lte": exact}
    bounds: dict[str, int] = _RANGE(raw, name)
    return bounds


EXPAND: Final[Spec] = {"expand": array(text)}
PAGE: Final[Spec] = {**EXPAND, "limit": limit, "starting_after": text, "ending_before": text}


def merged(old: Mapping[str, str] | None, given: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata after an update: given keys replace, empty values remove, an empty group clears."""
    if given is None:
        return dict(old or {})
    if not given:
        return {}
    both = {**(old or {}), **given}
    return {key: value for key, value in both.items() if value != ""}
