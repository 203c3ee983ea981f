"""Refusals in Stripe's own envelope: HTTP status, type, code, param, message."""

from __future__ import annotations

import json
from typing import Final

_DOC_URL: Final = "https://stripe.com/docs/error-codes/"
_LOG_URL: Final = "https://dashboard.stripe.com/test/logs/"


class ApiError(Exception):
    """An answer that is not a success.

    `stored` says whether the idempotency layer keeps the answer under the key: Stripe stores what was found
    after execution began, and nothing that was refused before (validation, authentication, rate limits).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        headers: dict[str, str] | None = None,
        stored: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.decline_code = decline_code
        self.headers = headers or {}
        self.stored = stored

    def envelope(self, *, request_id: str | None) -> bytes:
        """The JSON body; keys that do not apply are absent, as in Stripe's answers."""
        error: dict[str, str] = {}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = _DOC_URL + self.code.replace("_", "-")
        if self.decline_code is not None:
            error["decline_code"] = self.decline_code
        error["message"] = self.message
        if self.param is not None:
            error["param"] = self.param
        if request_id is not None:
            error["request_log_url"] = _LOG_URL + request_id
        error["type"] = self.kind
        return json.dumps({"error": error}).encode()


def resource_missing(noun: str, identifier: str, *, param: str = "id", status: int = 404) -> ApiError:
    """A named object does not exist; 404 where the path names it, 400 where a parameter does."""
    return ApiError(
        f"No such {noun}: '{identifier}'", status=status, code="resource_missing", param=param, stored=status == 404
    )


def parameter_unknown(name: str) -> ApiError:
    """A parameter this endpoint does not take; source: recorded error envelopes."""
    return ApiError(f"Received unknown parameter: {name}", code="parameter_unknown", param=name, stored=False)


def parameter_missing(name: str) -> ApiError:
    """A required parameter is absent."""
    return ApiError(f"Missing required param: {name}.", code="parameter_missing", param=name, stored=False)


def parameter_empty(name: str) -> ApiError:
    """An empty string where it cannot mean "unset"."""
    return ApiError(
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
        f"however '{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=name,
        stored=False,
    )


def parameter_invalid(message: str, *, param: str, code: str | None = None) -> ApiError:
    """A parameter with a value of the wrong form, refused before execution begins."""
    return ApiError(message, code=code, param=param, stored=False)


def unrecognized_url(method: str, path: str) -> ApiError:
    """No endpoint has this method and path."""
    return ApiError(
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. "
        "If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. "
        "Please see https://stripe.com/docs or we can help at https://support.stripe.com/.",
        status=404,
        stored=False,
    )
