"""Names this process in claims, and tells whether the process of a name is gone from this machine.

A claim outlives a `kill -9` by its lease. Where the dead claimant ran on this machine nobody needs to wait for that:
a process that does not exist sends nothing. A name holds host, process id and start time, so that a reused id, or
process 1 of a restarted container, is not taken for its predecessor.
"""

import socket

import psutil


def worker_name() -> str:
    """The name of this process."""
    process = psutil.Process()
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def is_gone(worker: str) -> bool:
    """Whether the process of that name ran on this machine and exists no more; False where that cannot be told."""
    parts = worker.rsplit(":", 2)
    if len(parts) != 3 or parts[0] != socket.gethostname() or not parts[1].isdecimal():
        return False
    try:
        return f"{psutil.Process(int(parts[1])).create_time():.2f}" != parts[2]
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
