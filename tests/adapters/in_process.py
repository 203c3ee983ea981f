"""The real vendor's client without a socket: each request goes straight to a sandbox."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from refund_worker.sandbox import AnswerLost, Sandbox

_connection_error: Any = stripe.APIConnectionError  # its constructor has no types


def dropped(message: str) -> stripe.APIConnectionError:
    """What the vendor's client makes of a broken connection."""
    error: stripe.APIConnectionError = _connection_error(message)
    return error


class InProcess(stripe.HTTPClient):
    """Sends requests to a sandbox of this process; a dropped connection or a cut body is told as the network would."""

    name = "in-process"

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._sandbox = sandbox

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: str | None = None, **_: object
    ) -> tuple[str, int, Mapping[str, str]]:
        """Dispatch one request."""
        address = urlsplit(url)
        try:
            answer = self._sandbox.dispatch(
                method=method.upper(),
                target=f"{address.path}?{address.query}" if address.query else address.path,
                headers=headers or {},
                body=(post_data or "").encode(),
            )
        except AnswerLost as lost:
            raise dropped("the connection was dropped") from lost
        if answer.cut:
            raise dropped("the connection was dropped within the body")
        return answer.body.decode(), answer.status, answer.headers
