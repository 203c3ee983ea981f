"""What a dispatch returns, and the error of the convenience calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refund_worker.sandbox.errors import ApiError


@dataclass(slots=True)
class Answer:
    """An HTTP answer. With `cut`, only half of the body reaches the client although all of it is announced."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False


class SandboxError(Exception):
    """A convenience call (`sandbox.post`, ...) was refused; carries what Stripe's envelope would."""

    def __init__(self, refused: ApiError) -> None:
        super().__init__(f"{refused.status} {refused.code or refused.kind}: {refused.message}")
        self.status = refused.status
        self.code = refused.code
        self.param = refused.param
        self.message = refused.message
