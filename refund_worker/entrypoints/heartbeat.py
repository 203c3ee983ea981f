"""Worker and beat have no port: a file that they touch says that they live. `alive` asks it, or web's port."""

import http.client
import time
from collections.abc import Sequence
from pathlib import Path

from refund_worker.entrypoints.exits import Exit, say

# A worker touches its file at each turn, which takes a second; a turn that waits for a ledger may take half a minute.
YOUNG_S = 120
_TIMEOUT_S = 3


class Heartbeat:
    """The sign of life of one role of this program; does nothing where no directory is set."""

    def __init__(self, directory: Path | None, *, role: str) -> None:
        self._file = None if directory is None else directory / f"refund-worker-{role}.alive"

    def beat(self) -> None:
        """I live. Raises nothing: a full disk must not stop the money."""
        if self._file is not None:
            try:
                self._file.touch()
            except OSError as error:
                say(f"the heartbeat {self._file} cannot be written: {error.strerror}")

    def stop(self) -> None:
        """I ended in order."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def alive(*, directory: Path | None, port: int) -> Exit:
    """Say whether the role in this container lives: its heartbeat is young, or its port answers; 1 where not."""
    beats = sorted(directory.glob("refund-worker-*.alive")) if directory is not None else []
    trouble = _old(beats) if beats else _silent(port)
    if trouble is None:
        return Exit.FINISHED
    say(trouble)
    return Exit.FOUND


def _old(beats: Sequence[Path]) -> str | None:
    now = time.time()
    for file in beats:
        age = now - file.stat().st_mtime
        if age > YOUNG_S:
            return f"no sign of life from {file.stem} for {age:.0f} seconds"
    return None


def _silent(port: int) -> str | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"nothing answers on port {port}: {error}"
    finally:
        connection.close()
    return None if status == http.HTTPStatus.OK else f"/healthz answers {status}"
