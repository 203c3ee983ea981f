"""Object ids that look like Stripe's and depend only on the seed and the order of creation."""

from __future__ import annotations

from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS: Final = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_SPACE: Final = len(_PAIRS) ** 7  # fourteen characters
_STEP: Final = 7_664_715_031_257_921_135_575_041  # golden section of the space, coprime to 62

# prefix -> characters before the fourteen that vary, so that lengths are Stripe's
_STEMS: Final = {
    "cus": "", "prod": "", "si": "", "di": "", "req": "",
    "pi": "3Sb", "ch": "3Sb", "py": "3Sb", "re": "3Sb", "txn": "3Sb",
}  # fmt: skip
_OTHER_STEM: Final = "1SbKXBGcbg"


class Ids:
    """Two counters: one for objects, one for requests, so that a further read does not shift object ids."""

    __slots__ = ("_offset", "objects", "requests")

    def __init__(self, *, seed: int, objects: int = 0, requests: int = 0) -> None:
        self._offset = (seed * 0x9E3779B97F4A7C15 + 0x1234567) % _SPACE
        self.objects = objects
        self.requests = requests

    def take(self, prefix: str) -> str:
        """The next object id with this prefix (`cus`, `in`, `ch`, ...)."""
        self.objects += 1
        return self.at(prefix, self.objects)

    def request(self) -> str:
        """The next request id."""
        self.requests += 1
        return "req_" + _spell(self._offset ^ 0x5555, self.requests)

    def at(self, prefix: str, number: int) -> str:
        """The id a counter value stands for; used where objects are derived on demand."""
        return f"{prefix}_{_STEMS.get(prefix, _OTHER_STEM)}{_spell(self._offset, number)}"

    def reserve(self, count: int) -> int:
        """Skip `count` object numbers and return the first of them."""
        first = self.objects + 1
        self.objects += count
        return first


def _spell(offset: int, number: int) -> str:
    left = (offset + number * _STEP) % _SPACE
    parts = []
    for _ in range(7):
        left, digit = divmod(left, 3844)
        parts.append(_PAIRS[digit])
    return "".join(parts)
