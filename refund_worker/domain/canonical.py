"""One text for one meaning: canonical JSON and its SHA-256, for digests and the audit chain."""

import hashlib
import json


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys, no spaces, UTF-8 unescaped, and no floats.

    Raises:
        TypeError: If the value holds a float or anything JSON has no form for: money is integer minor units.
    """
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: object) -> str:
    """Return the SHA-256 of the canonical JSON as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("a float has no place in canonical JSON")
    if isinstance(value, dict):
        for content in value.values():
            _refuse_floats(content)
    elif isinstance(value, list | tuple):
        for content in value:
            _refuse_floats(content)
