"""Questions that may hang: asked in a thread beside the event loop, one at a time, with one answer for all who ask."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Look(Generic[T]):
    """A question, asked anew only where its last answer is old.

    While an answer is awaited no second thread starts, however many ask and however long it takes.
    """

    def __init__(self, ask: Callable[[], T], *, within_s: float, fresh_s: float) -> None:
        """Prepare.

        Args:
            ask: May block, may raise.
            within_s: How long one who asks waits.
            fresh_s: How long an answer counts.
        """
        self._ask = ask
        self._within_s = within_s
        self._fresh_s = fresh_s
        self._answer: asyncio.Future[T | Exception] | None = None
        self._answered_at = 0.0

    async def answer(self) -> T:
        """The answer. Raises TimeoutError, or what asking raised."""
        if self._answer is None or (self._answer.done() and time.monotonic() - self._answered_at >= self._fresh_s):
            self._answer = self._begin()
        async with asyncio.timeout(self._within_s):
            found = await asyncio.shield(self._answer)
        if isinstance(found, Exception):
            raise found
        return found

    def _begin(self) -> "asyncio.Future[T | Exception]":
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T | Exception] = loop.create_future()

        def tell(found: T | Exception) -> None:
            self._answered_at = time.monotonic()
            if not answer.done():
                answer.set_result(found)

        def look() -> None:
            found: T | Exception
            try:
                found = self._ask()
            except Exception as error:  # noqa: BLE001  carried to whoever asked
                found = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, found)

        threading.Thread(target=look, name="look", daemon=True).start()
        return answer
