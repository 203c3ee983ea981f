"""A sandbox that ends its caller: at the n-th request of a step, before, while or after it is answered."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from refund_worker.sandbox import AnswerLost, Sandbox, SandboxServer
from refund_worker.sandbox.answers import Answer
from refund_worker.sandbox.server import _Connection
from tests.kill.cells import Cell
from tests.kill.stories import Evening, Meanwhile

LATENCY_MS = 8  # enough for the 32 cases to overlap


@dataclass(frozen=True, slots=True)
class Write:
    """A write of the program's.

    Attributes:
        kind: Its step without its number.
        step: With its number; of a deletion, which has no mark, the item.
        case: Empty for a deletion.
        customer: Where the path has it.
    """

    kind: str
    step: str
    case: str
    customer: str | None


@dataclass(slots=True)
class Aim:
    """Kill at the `nth` write of the cell; `after_s` later where it is to be answered first."""

    cell: Cell
    nth: int
    after_s: float
    kill: Callable[[Write], None]
    seen: int = 0
    struck: Write | None = None

    def meets(self, write: Write, phase: str) -> bool:
        """Count a write; True for the one to kill at."""
        aimed = "answered" if self.cell.phase == "recorded" else self.cell.phase
        if self.struck is not None or (write.kind, phase) != (self.cell.step, aimed):
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.struck = write
        return True


class DeadlySandbox(Sandbox):
    """A sandbox at which one can take aim. `begun` is set by the first write after an aim was taken."""

    def __init__(self) -> None:
        super().__init__(latency_ms=LATENCY_MS, renewals=False)
        self.begun = threading.Event()
        self._aim: Aim | None = None
        self._aim_lock = threading.Lock()
        self._waiting: dict[str, Meanwhile] = {}
        self._here = threading.local()

    def live_through(self, evening: Evening) -> None:
        """Become the account of an evening; its time goes on from there."""
        self.adopt(evening.snapshot)
        self.clock.tick()
        self._waiting = {name: story.event for name, story in evening.stories.items() if story.event is not None}

    def take_aim(self, aim: Aim | None) -> None:
        """Aim at the writes that come from now on."""
        with self._aim_lock:
            self._aim = aim
            self.begun.clear()

    def dispatch(self, *, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Answer one request, if it comes to that."""
        write = None if getattr(self._here, "by_hand", False) else _write_of(method, target, body)
        if write is None:
            return super().dispatch(method=method, target=target, headers=headers, body=body)
        self.begun.set()
        self._strike(write, "before")
        self._happen(write)
        answer = super().dispatch(method=method, target=target, headers=headers, body=body)
        self._strike(write, "executed")
        self._here.write = write
        return answer

    def delivered(self) -> None:
        """The answer of this thread's request is on its way to the program."""
        write: Write | None = getattr(self._here, "write", None)
        self._here.write = None
        aim = self._aim
        if write is not None and aim is not None and self._meets(aim, write, "answered"):
            threading.Timer(aim.after_s, aim.kill, [write]).start()

    def _strike(self, write: Write, phase: str) -> None:
        aim = self._aim
        if aim is not None and self._meets(aim, write, phase):
            aim.kill(write)
            raise AnswerLost("the program is gone")

    def _meets(self, aim: Aim, write: Write, phase: str) -> bool:
        with self._aim_lock:
            return aim.meets(write, phase)

    def _happen(self, write: Write) -> None:
        """Let others act just before a customer's first write of a kind is executed."""
        with self.lock:
            customer = write.customer or self._customer_of(write)
            event = self._waiting.get(customer)
            if event is None or event.before != write.kind:
                return
            del self._waiting[customer]
            self._here.by_hand = True
            try:
                event.happens(self, customer)
            finally:
                self._here.by_hand = False

    def _customer_of(self, write: Write) -> str:
        """Whose item is deleted; empty for a refund, and where it is gone."""
        found = self.world.store.get("invoiceitem", write.step)
        return "" if found is None else str(found.fields["customer"])


class _DeadlyConnection(_Connection):
    """Tells the sandbox when an answer has been written to the socket."""

    def _answer_and_tell(self) -> None:
        self._answer()
        sandbox = self.server.sandbox
        assert isinstance(sandbox, DeadlySandbox)
        sandbox.delivered()

    do_POST = do_DELETE = _answer_and_tell  # noqa: N815  # the names http.server calls


def serve(sandbox: DeadlySandbox) -> SandboxServer:
    """Serve a deadly sandbox over HTTP; use as a context manager."""
    server = SandboxServer(sandbox)
    server._listener.RequestHandlerClass = _DeadlyConnection
    return server


def _write_of(method: str, target: str, body: bytes) -> Write | None:
    parts = target.split("/")
    if method == "DELETE" and parts[2] == "invoiceitems":
        return Write(kind="delete_item", step=parts[3], case="", customer=None)
    if method != "POST":
        return None
    fields = parse_qs(body.decode())
    step = fields.get("metadata[refund_worker_step]", [""])[0]
    if not step:
        return None
    return Write(
        kind=step.partition(":")[0],
        step=step,
        case=fields["metadata[refund_worker_case]"][0],
        customer=parts[3] if parts[2] == "customers" else None,
    )
