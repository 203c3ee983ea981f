"""The API version of a request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from refund_worker.sandbox.errors import ApiError
from refund_worker.sandbox.world import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORM: Final = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?(;.*)?")


def version_of(headers: Mapping[str, str]) -> str:
    """The version the answer is in: always this sandbox's own, and the answer's header says so.

    Raises:
        ApiError: If the version asked for is not a version at all.
    """
    asked = headers.get("stripe-version")
    if asked is None or asked == API_VERSION or _FORM.fullmatch(asked):
        return API_VERSION
    raise ApiError(
        f"Invalid Stripe API version: {asked}. You do not have permission to override your API version to this value.",
        stored=False,
    )
