"""Names this process in claims, and tells whether the process of a name is gone from this machine.

A claim outlives a `kill -9` by its lease. Where the dead claimant ran on this machine nobody needs to wait for that:
a process that does not exist sends nothing. A name holds host, process id space, process id and start time, so that a
reused id, process 1 of a restarted container, or a container that shares its host's name is not taken for another.
"""

import os
import socket
from pathlib import Path

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_ID_SPACE = Path("/proc/self/ns/pid")


def worker_name() -> str:
    """The name of this process."""
    process = psutil.Process()
    return f"{_machine()}:{process.pid}:{_ticks(process.pid) or _wall_time(process)}"


def is_gone(worker: str) -> bool:
    """Whether the process of that name ran on this machine and exists no more; False where that cannot be told."""
    parts = worker.rsplit(":", 2)
    if len(parts) != 3 or parts[0] != _machine() or not parts[1].isdecimal():
        return False
    try:
        # Asked of the kernel, not of /proc, where a hardened service does not see other users' processes.
        os.kill(int(parts[1]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass  # it exists and is another user's
    try:
        process = psutil.Process(int(parts[1]))
        started = _wall_time(process) if "." in parts[2] else _ticks(process.pid)
        # A zombie has ended; only nobody has asked for its exit code yet.
        return started not in {None, parts[2]} or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _ticks(pid: int) -> str | None:
    """When a process started, in the kernel's ticks since the boot; None where that cannot be read.

    Not by the wall clock: where that is set, every process seems to have started at another time, and so to be gone.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def _wall_time(process: psutil.Process) -> str:
    return f"{process.create_time():.2f}"


def _machine() -> str:
    """The host, this boot of it, and the space in which its process ids count; only the host where it is not Linux."""
    try:
        return f"{socket.gethostname()}/{_BOOT.read_text()[:8]}/{_ID_SPACE.readlink().name.strip('pid:[]')}"
    except OSError:
        return socket.gethostname()
