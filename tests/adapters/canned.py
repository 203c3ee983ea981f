"""A transport that answers each GET from a list, and notes what was asked."""

import json
from collections.abc import Mapping
from urllib.parse import unquote

import stripe

from tests.adapters.in_process import dropped


class Canned(stripe.HTTPClient):
    """Answers with the next page, or drops the connection where there is None; the last answer stays."""

    name = "canned"

    def __init__(self, *answers: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[str] = []
        self._status = status
        self._headers = dict(headers or {})

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: object = None, **_: object
    ) -> tuple[str, int, Mapping[str, str]]:
        """Answer from the list. A pair is a status and a body."""
        answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(f"{method.upper()} {unquote(url.removeprefix('https://api.stripe.com'))}")
        if answer is None:
            raise dropped("no answer")
        status, body = answer if isinstance(answer, tuple) else (self._status, answer)
        return body if isinstance(body, str) else json.dumps(body), status, self._headers


def page(*rows: object, more: bool = False) -> dict[str, object]:
    """One page of a list."""
    return {"object": "list", "data": list(rows), "has_more": more, "url": "/v1/somewhere"}
