"""What a check found."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


class CheckFailed(Exception):
    """A recipe is wrong; the message says which and why."""


class NotHere(Exception):
    """A check needs a program that this machine lacks; the message says which, and how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What was checked, in one line."""

    line: str


def output_of(arguments: Sequence[str], *, timeout_s: float = 120) -> str:
    """Run a program of this machine and return what it printed. Raises CheckFailed with that where it ends badly."""
    program = shutil.which(arguments[0])
    if program is None:
        raise NotHere(f"{arguments[0]} is not installed")
    done = subprocess.run(  # noqa: S603  the programs and files are named in this package
        [program, *arguments[1:]], capture_output=True, text=True, timeout=timeout_s, check=False
    )
    if done.returncode != 0:
        raise CheckFailed(f"{' '.join(arguments[:3])}: {(done.stdout + done.stderr).strip()}")
    return done.stdout + done.stderr
