"""Asking a served sandbox's test controls."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refund_worker.sandbox import SandboxServer


def asked(server: SandboxServer, method: str, name: str, arguments: dict[str, Any] | None = None) -> Any:
    """The JSON that a control answers.

    Raises:
        urllib.error.HTTPError: If it refuses.
    """
    body = json.dumps(arguments).encode() if arguments is not None else None
    url = f"{server.base_url}/_sandbox/{name}"
    request = urllib.request.Request(url, data=body, method=method)  # noqa: S310  # loopback
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # loopback
        return json.load(answer)
