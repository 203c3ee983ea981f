"""A connection whose sender must not dawdle: uvicorn waits for the head of a request for as long as it takes."""

import asyncio
from typing import Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

# A head is one packet. Whoever sends none at all is ended too: enough of them would be all connections there are.
HEAD_WITHIN_S: Final = 10.0


class Connection(H11Protocol):
    """Ends where the head of a request does not come whole in time, counted from the connection or its first byte."""

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin to wait for a head."""
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency:
            transport.abort()  # idle ones would be all the files that this process may open
        else:
            self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take what comes; the time counts on while the head is not whole."""
        super().data_received(data)
        if self._reads_head():
            self._wait_for_head()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _reads_head(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request, whatever uvicorn says
        return cycle is None or cycle.response_complete

    def _wait_for_head(self) -> None:
        if self._due is None:
            self._due = self.loop.call_later(HEAD_WITHIN_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
