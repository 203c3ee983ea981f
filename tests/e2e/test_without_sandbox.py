"""An image has no sandbox beside a live key: the program does without it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import refund_worker


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The package without its sandbox, as the Dockerfile copies it."""
    package = Path(refund_worker.__file__).parent
    shutil.copytree(package, tmp_path / "refund_worker", ignore=shutil.ignore_patterns("sandbox", "__pycache__"))
    return tmp_path


def _run(elsewhere: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(elsewhere)}
    return subprocess.run(
        [sys.executable, "-m", "refund_worker", *arguments],
        env=environment,
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )


def test_everything_else_is_there(elsewhere: Path) -> None:
    ran = _run(elsewhere, "policy", "show")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not (elsewhere / "refund_worker" / "sandbox").exists()


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_what_needs_it_says_so_in_one_line(elsewhere: Path, command: str) -> None:
    ran = _run(elsewhere, command)
    assert ran.returncode == 2
    assert ran.stderr == "refund-worker: this installation has no sandbox (images leave it out): use a checkout\n"
