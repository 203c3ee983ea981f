"""Reads one JSON object of Stripe's, key by key.

Unknown keys are tolerated, because real answers carry undocumented ones. A key the program needs that is missing or has
another type is an `UnreadableAnswer` that names object and key, never the value: values may be personal.
"""

from collections.abc import Iterator, Mapping

from refund_worker.domain.errors import UnreadableAnswer


class Fields:
    """One JSON object. `name` is how errors call it: `invoice in_1`."""

    __slots__ = ("_keys", "name")

    def __init__(self, keys: Mapping[str, object], *, name: str) -> None:
        self._keys = keys
        self.name = name

    def text(self, key: str) -> str:
        """A string that is not empty."""
        found = self._keys.get(key)
        if isinstance(found, str) and found:
            return found
        raise self.unreadable(key, expected="a string")

    def text_or_none(self, key: str) -> str | None:
        """A string; None where the key is absent, null or empty."""
        found = self._keys.get(key)
        if found is None or isinstance(found, str):
            return found or None
        raise self.unreadable(key, expected="a string or null")

    def number(self, key: str) -> int:
        """An integer; JSON's true and false are none."""
        found = self._keys.get(key)
        if type(found) is int:
            return found
        raise self.unreadable(key, expected="an integer")

    def number_or_none(self, key: str) -> int | None:
        """An integer; None where the key is absent or null."""
        return None if self._keys.get(key) is None else self.number(key)

    def flag(self, key: str) -> bool:
        """True or false."""
        found = self._keys.get(key)
        if isinstance(found, bool):
            return found
        raise self.unreadable(key, expected="true or false")

    def flag_or_false(self, key: str) -> bool:
        """True or false; false where the key is absent or null."""
        return False if self._keys.get(key) is None else self.flag(key)

    def has(self, key: str) -> bool:
        """The key is there, be it null."""
        return key in self._keys

    def present(self, key: str) -> bool:
        """The key is there and not null."""
        return self._keys.get(key) is not None

    def reference(self, key: str) -> str | None:
        """The id of another object, which may be expanded; None where the key is absent or null."""
        found = self._keys.get(key)
        if isinstance(found, dict):
            found = found.get("id")
        elif found is None:
            return None
        if isinstance(found, str) and found:
            return found
        raise self.unreadable(key, expected="an id, an object with an id, or null")

    def inner(self, key: str) -> "Fields":
        """The object under a key."""
        found = self._keys.get(key)
        if isinstance(found, dict):
            return Fields(found, name=f"{self.name} {key}")
        raise self.unreadable(key, expected="an object")

    def inner_or_none(self, key: str) -> "Fields | None":
        """The object under a key; None where it is absent or null."""
        return None if self._keys.get(key) is None else self.inner(key)

    def each(self, key: str) -> Iterator["Fields"]:
        """The objects of an array; none where the key is absent or null."""
        if self._keys.get(key) is None:
            return
        yield from self._objects(key)

    def rows(self, key: str, *, kind: str) -> list["Fields"]:
        """The objects of a list's array, each of the kind and with an id, in Stripe's order."""
        return [_of_kind(row, kind=kind) for row in self._objects(key)]

    def strings(self, key: str) -> dict[str, str]:
        """An object of strings, as metadata is; empty where it is absent or null."""
        found = self._entries(key, expected="an object of strings")
        strings = {name: entry for name, entry in found.items() if isinstance(entry, str)}
        if len(strings) != len(found):
            raise self.unreadable(key, expected="an object of strings")
        return strings

    def numbers(self, key: str) -> dict[str, int]:
        """An object of integers; empty where it is absent or null."""
        found = self._entries(key, expected="an object of integers")
        numbers = {name: entry for name, entry in found.items() if isinstance(entry, int) and type(entry) is int}
        if len(numbers) != len(found):
            raise self.unreadable(key, expected="an object of integers")
        return numbers

    def raw(self, key: str) -> object:
        """Whatever stands under a key, None where nothing does."""
        return self._keys.get(key)

    def unreadable(self, key: str, *, expected: str) -> UnreadableAnswer:
        """The error for a key that is missing or has another type."""
        fault = f"is not {expected}" if key in self._keys else "is missing"
        return UnreadableAnswer(message=f"{self.name}: `{key}` {fault}")

    def _entries(self, key: str, *, expected: str) -> Mapping[str, object]:
        found = self._keys.get(key)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise self.unreadable(key, expected=expected)
        return found

    def _objects(self, key: str) -> Iterator["Fields"]:
        found = self._keys.get(key)
        if not isinstance(found, list):
            raise self.unreadable(key, expected="an array")
        for position, entry in enumerate(found):
            if not isinstance(entry, dict):
                raise UnreadableAnswer(message=f"{self.name}: `{key}[{position}]` is not an object")
            yield Fields(entry, name=f"{self.name} {key}[{position}]")


def answer_of_kind(answer: Mapping[str, object], *, kind: str, call: str, asked: str | None = None) -> Fields:
    """Return the object that a call answered with.

    Args:
        answer: The parsed JSON.
        kind: What `object` must say.
        call: Method and path template, for the error.
        asked: What `id` must say; None where it is not known.

    Raises:
        UnreadableAnswer: If it is another object than the one asked for.
    """
    if answer.get("object") != kind:
        raise UnreadableAnswer(message=f"the answer to {call} is another object than a {kind}")
    if asked is not None and answer.get("id") != asked:
        raise UnreadableAnswer(message=f"the answer to {call} is another {kind} than {asked}")
    found = answer.get("id")
    return Fields(answer, name=f"{kind} {found}" if isinstance(found, str) else kind)


def _of_kind(row: Fields, *, kind: str) -> Fields:
    if row.raw("object") != kind:
        raise UnreadableAnswer(message=f"{row.name}: `object` is not {kind}")
    row.name = f"{kind} {row.text('id')}"
    return row
