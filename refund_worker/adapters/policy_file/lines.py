"""Where a key stands in a TOML text: the parser tells only where it stopped, not where a well-formed value is."""

import tomllib
from collections.abc import Iterator, Mapping

KeyPath = tuple[str | int, ...]


def line_of(path: KeyPath, *, text: str) -> int | None:
    """Return the line (from 1) of the statement that holds a key or the table it is in; None where neither stands.

    Args:
        path: Table names, key and list positions, as pydantic tells them.
        text: Well-formed TOML.
    """
    keys = [part for part in path if isinstance(part, str)]
    best, depth = None, 0
    for line, held in _statements(text):
        shared = _shared(held, keys)
        if shared > depth:
            best, depth = line, shared
    return best


def _statements(text: str) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield each statement's first line and the key paths in it, its table's name included."""
    table: list[str] = []
    chunk, first = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        continues = bool(chunk)
        chunk += line + "\n"
        if continues and not any(end in line for end in ("]", "}", '"""', "'''")):
            continue  # a list or text over many lines cannot end here: parsing again would take time for nothing
        try:
            parsed = tomllib.loads(chunk)
        except tomllib.TOMLDecodeError:
            continue
        held = list(_paths(parsed))
        if chunk.lstrip().startswith("["):
            table = held[-1]
            yield first, held
        else:
            yield first, [table + one for one in held]
        chunk, first = "", number + 1


def _paths(parsed: Mapping[str, object]) -> Iterator[list[str]]:
    for key, value in parsed.items():
        yield [key]
        if isinstance(value, Mapping):
            for below in _paths(value):
                yield [key, *below]


def _shared(held: list[list[str]], keys: list[str]) -> int:
    """How many of the first keys a statement names."""
    return max((len(one) for one in held if one == keys[: len(one)]), default=0)
