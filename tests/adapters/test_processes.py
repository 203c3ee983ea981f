"""Who is gone: only a process that ran here, in this process id space, and exists no more."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from refund_worker.adapters.processes import is_gone, worker_name


def test_this_process_is_not_gone() -> None:
    assert not is_gone(worker_name())


def test_a_clock_that_is_set_makes_no_living_process_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour on, as when a machine learns the time some moments after its services began."""
    name = worker_name()
    seen = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: seen(self) + 3_600)
    assert not is_gone(name)
    machine, pid, ticks = name.rsplit(":", 2)
    assert is_gone(f"{machine}:{pid}:{int(ticks) - 1}")


def test_a_process_that_ended_is_gone() -> None:
    machine = worker_name().rsplit(":", 2)[0]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        name = f"{machine}:{process.pid}:{psutil.Process(process.pid).create_time():.2f}"
        assert not is_gone(name)
        process.communicate(b"\n")
    assert is_gone(name)


def test_a_process_whose_exit_nobody_has_asked_for_is_gone() -> None:
    """A zombie: after `kill -9` of a child its parent may be busy."""
    machine = worker_name().rsplit(":", 2)[0]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        seen = psutil.Process(process.pid)
        name = f"{machine}:{process.pid}:{seen.create_time():.2f}"
        process.kill()
        for _ in range(1000):
            if seen.status() == psutil.STATUS_ZOMBIE:
                break
            time.sleep(0.01)
        assert is_gone(name)


def test_another_process_under_the_same_id_is_not_the_one_meant() -> None:
    machine, pid, _ = worker_name().rsplit(":", 2)
    assert is_gone(f"{machine}:{pid}:1.00")


@pytest.mark.parametrize(
    "name",
    [
        "elsewhere:99999999:1.00",
        f"{os.uname().nodename}/00000000/1:99999999:1.00",  # another boot, or another container with this host's name
        "no process",
        f"{os.uname().nodename}:x:y",
    ],
)
def test_what_ran_elsewhere_is_never_said_to_be_gone(name: str) -> None:
    assert not is_gone(name)


def test_another_users_process_that_cannot_be_seen_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hidden in /proc, as for a service with ProtectProc=invisible, and not ours to signal."""
    machine, _, _ = worker_name().rsplit(":", 2)

    def refuse(pid: int, signal: int) -> None:
        raise PermissionError

    def hidden(pid: int) -> psutil.Process:
        raise psutil.NoSuchProcess(pid)

    monkeypatch.setattr(os, "kill", refuse)
    monkeypatch.setattr(psutil, "Process", hidden)
    assert not is_gone(f"{machine}:4711:1.00")
