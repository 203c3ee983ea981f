"""How long until the program works: the start of the process, with compiled files in place."""

import os
import resource
import subprocess
import time
from dataclasses import dataclass
from typing import Final

from tests.bench.watched import PROGRAM

STARTS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """The quickest of several starts: what the machine's other work adds is not the program's."""

    wall_s: float
    cpu_s: float


def startup() -> Startup:
    """Start `refund-worker policy show`, which reads the environment and prints the default policy."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    found = []
    for _ in range(STARTS):
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([PROGRAM, "policy", "show"], env=environment, stdout=subprocess.DEVNULL, check=True)
        wall_s, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append((wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return Startup(wall_s=min(wall for wall, _ in found), cpu_s=min(cpu for _, cpu in found))
