"""Faults a test arms: what goes wrong with which request, and whether the request was executed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

FaultKind = Literal[
    "before_execution",  # the connection drops, nothing happened
    "answer_lost",  # executed, stored under the key, the connection drops
    "stored_500",  # a 500 stored under the key; `executed` says whether the write happened
    "http_500",  # a 500, not executed, not stored
    "cut_body",  # executed, half of the body arrives
    "malformed_body",  # executed, the body is not JSON
    "lock_timeout",  # 429 without the limiter's header, not executed
    "rate_limited",  # 429 with the limiter's header, not executed
    "unauthorized",  # 401: the key is invalid from now on; not executed
    "forbidden",  # 403 naming the permission that this endpoint needs; not executed
    "refused",  # an error answer of `status`, `code` and `message`, not executed; kept under the key if `stored`
    "delay",  # executed after `seconds`
]
KINDS: Final[tuple[str, ...]] = get_args(FaultKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Strikes the `nth` to `nth + times - 1` matching request, replays included; `times=0` means always.

    `path` is a template (`/v1/customers/{customer}/balance_transactions`) or an exact path, None for any. `params`
    must be among the request's parameters (names as sent: `charge`, `metadata[refund_worker_case]`); `key` must be
    part of its idempotency key.
    """

    kind: FaultKind
    method: str | None = None
    path: str | None = None
    nth: int = 1
    times: int = 1
    params: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    executed: bool = False
    stored: bool = False
    status: int = 400
    code: str | None = None
    param: str | None = None
    message: str = "The sandbox was told to refuse this request."
    reason: str = "endpoint-rate"
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a fault that could never strike as meant."""
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}: one of {', '.join(KINDS)}")
        if self.nth < 1 or self.times < 0:
            raise ValueError("nth counts from 1, times from 0")

    def matches(self, *, method: str, template: str, path: str, params: Mapping[str, str], key: str | None) -> bool:
        """Whether this request is one of those the fault counts."""
        if self.method is not None and self.method != method:
            return False
        if self.path is not None and self.path not in (template, path):
            return False
        if self.key is not None and (key is None or self.key not in key):
            return False
        return all(params.get(name) == value for name, value in self.params.items())


class AnswerLost(Exception):  # it is what the caller sees, and no error of the sandbox
    """The connection dropped and no answer came; whether the request was executed the caller cannot know."""


class Faults:
    """The armed faults and how often each has matched."""

    __slots__ = ("_armed",)

    def __init__(self) -> None:
        self._armed: list[tuple[Fault, int]] = []

    def __len__(self) -> int:
        return len(self._armed)

    def add(self, fault: Fault) -> None:
        """Arm a fault."""
        self._armed.append((fault, 0))

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def armed(self) -> tuple[Fault, ...]:
        """Faults that can still strike."""
        return tuple(fault for fault, _ in self._armed)

    def strike(
        self, *, method: str, template: str, path: str, params: Mapping[str, str], key: str | None
    ) -> Fault | None:
        """Count a request; returns the first fault that strikes it."""
        struck, left = None, []
        for fault, count in self._armed:
            seen = count
            if fault.matches(method=method, template=template, path=path, params=params, key=key):
                seen += 1
                if struck is None and fault.nth <= seen and (fault.times == 0 or seen < fault.nth + fault.times):
                    struck = fault
            if fault.times == 0 or seen < fault.nth + fault.times - 1:
                left.append((fault, seen))
        self._armed = left
        return struck

    def copy(self) -> Faults:
        """For a snapshot."""
        twin = Faults()
        twin._armed = list(self._armed)
        return twin
