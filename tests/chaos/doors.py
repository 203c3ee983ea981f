"""The sandbox with a door for each worker: whoever asks is known by the port he comes through."""

import threading
from types import TracebackType
from typing import Any, Self

from refund_worker.sandbox import Snapshot
from refund_worker.sandbox.server import _Connection, _Listener
from tests.kill.deadly import Aim, DeadlySandbox, Write
from tests.kill.stories import Meanwhile


class ChaosSandbox(DeadlySandbox):
    """Takes aim at whichever worker makes the write, and knows which money writes are open."""

    def __init__(self, *, latency_ms: int) -> None:
        super().__init__()
        self.latency_ms = latency_ms
        self._inside: dict[str, int] = {}
        self._counting = threading.Lock()
        self.writes = 0
        self.reserved: set[str] = set()

    @property
    def events_waiting(self) -> dict[str, Meanwhile]:
        """What others do just before a customer's first write of a kind is executed."""
        return self._waiting

    def inhabit(self, snapshot: Snapshot) -> None:
        """Become the account of a snapshot; its time goes on from there."""
        self.adopt(snapshot)
        self.clock.tick()

    def slot(self) -> str:
        """The door through which the request of this thread came."""
        found: str = getattr(self._here, "slot", "")
        return found

    def open_writes(self, slot: str) -> int:
        """How many money writes of a worker have arrived and are not answered."""
        with self._counting:
            return self._inside.get(slot, 0)

    def enter(self, slot: str) -> None:
        """The request of this thread came through a door."""
        self._here.slot = slot

    def _happen(self, write: Write) -> None:
        super()._happen(write)
        with self._counting:
            self.writes += 1
            if write.customer is not None and write.kind == "reserve":
                self.reserved.add(write.customer)

    def dispatch(self, **request: Any) -> Any:
        """Answer one request, and count it while it is here, where it moves money."""
        slot = self.slot()
        moves = request["method"] in {"POST", "DELETE"} and bool(slot)
        self._count(slot, moves)
        try:
            return super().dispatch(**request)
        finally:
            self._count(slot, -moves)

    def _count(self, slot: str, by: int) -> None:
        if by:
            with self._counting:
                self._inside[slot] = self._inside.get(slot, 0) + by

    def delivered(self) -> None:
        """The answer of this thread's request is on its way to the worker."""
        write: Write | None = getattr(self._here, "write", None)
        self._here.write = None
        aim: Aim | None = self._aim
        if write is not None and aim is not None and self._meets(aim, write, "answered"):
            slot = self.slot()

            def kill() -> None:
                self.enter(slot)
                aim.kill(write)

            threading.Timer(aim.after_s, kill).start()


class _Door(_Connection):
    """A connection through a door."""

    def _answer_and_tell(self) -> None:
        listener = self.server
        assert isinstance(listener, _Entrance)
        sandbox = listener.sandbox
        assert isinstance(sandbox, ChaosSandbox)
        sandbox.enter(listener.slot)
        self._answer()
        sandbox.delivered()

    do_GET = do_POST = do_DELETE = _answer_and_tell  # noqa: N815  # the names http.server calls


class _Entrance(_Listener):
    slot: str

    def service_actions(self) -> None:
        """The sandbox's own server lets time pass; a door only opens."""


class Door:
    """One address of the sandbox, of one worker; a context manager."""

    def __init__(self, sandbox: ChaosSandbox, slot: str) -> None:
        self._listener = _Entrance(("127.0.0.1", 0), _Door)
        self._listener.sandbox, self._listener.slot = sandbox, slot
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.5}, name=f"door-{slot}", daemon=True
        )

    @property
    def base_url(self) -> str:
        """What the worker is given as STRIPE_API_BASE."""
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    def __enter__(self) -> Self:
        """Open it."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()
