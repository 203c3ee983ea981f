"""Tries faults on copies of the tree: one fault at a time, its named tests and nothing else."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.fault import Fault

ROOT = Path(__file__).parents[2]
_COPIED = ("refund_worker", "tests")
_RED, _GREEN = 1, 0
# A fault may turn a loop endless: then its tests end here, and that is a kill too.
_TEST_S_MAX = 30
_TRIAL_S_MAX = 300
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a trial. `killed_by`: the first test that failed, None where the fault survived."""

    killed_by: str | None
    problem: str | None
    seconds: float


class Copy:
    """A copy of the tree. Compiled by content: a fault that changes neither size nor second is seen."""

    def __init__(self, place: Path) -> None:
        self._place = place
        for name in _COPIED:
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", place)
        self._python("-m", "compileall", "-q", "--invalidation-mode", "checked-hash", *_COPIED, check=True)
        imported = self._python("-c", "import refund_worker; print(refund_worker.__file__)", check=True).stdout.strip()
        if not Path(imported).is_relative_to(place):
            raise RuntimeError(f"the tests of a copy import {imported}: a fault in the copy would prove nothing")

    def judge(self, fault: Fault) -> Verdict:
        """Run the fault's tests with the fault in place, and take it out again."""
        path = self._place / fault.path
        whole = path.read_text()
        path.write_text(fault.applied(whole))
        try:
            return self._run(fault.killers, expected=_RED)
        finally:
            path.write_text(whole)

    def baseline(self, killers: Iterable[str]) -> Verdict:
        """Run tests without any fault: all must be green."""
        return self._run(sorted(set(killers)), expected=_GREEN)

    def _run(self, tests: Iterable[str], *, expected: int) -> Verdict:
        began = time.monotonic()
        options = ("-x", "-q", "-n0", "-rfE", "-p", "no:randomly", "-p", "no:cacheprovider", f"--timeout={_TEST_S_MAX}")
        try:
            done = self._python("-m", "pytest", *options, *tests)
        except subprocess.TimeoutExpired:
            return Verdict(killed_by=None, problem="its tests did not end", seconds=time.monotonic() - began)
        failed = _FAILED.search(done.stdout)
        problem = None
        if done.returncode != expected:
            problem = (
                "survived" if done.returncode == _GREEN else f"pytest ended with {done.returncode}:\n{done.stdout}"
            )
        return Verdict(killed_by=failed[1] if failed else None, problem=problem, seconds=time.monotonic() - began)

    def _python(self, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(self._place), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self._place,
            env=environment,
            capture_output=True,
            text=True,
            check=check,
            timeout=_TRIAL_S_MAX,
        )
