"""The HTTP side of the vendor's client: timeouts, connections, headers."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests
import stripe
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies

# The lease of a case is five minutes: a call must have ended long before.
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
# A page of 100 invoices is half a megabyte; an answer that takes a minute will not come.
BODY_BYTES_MAX = 64 * 1024 * 1024
BODY_TIMEOUT_S = 60.0
_PART_BYTES = 64 * 1024
# Twice the threads of a run, so that no connection is thrown away and opened anew.
CONNECTIONS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Status and headers of an answer; None and empty where none came."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def request_id(self) -> str | None:
        """Stripe's `req_`."""
        return self.headers.get("Request-Id")

    @property
    def replayed(self) -> bool:
        """The answer was stored under the idempotency key by an earlier request."""
        return self.headers.get("Idempotent-Replayed") == "true"

    @property
    def throttle_reason(self) -> str | None:
        """Which limit a 429 speaks of; None for a lock timeout."""
        return self.headers.get("Stripe-Rate-Limited-Reason")


NO_HEAD = Head()


class Door(stripe.HTTPClient):
    """Passes each request to another client, and keeps what the vendor's errors forget: status and headers.

    A `Stripe-Notice` header is taken out and told to `on_notice`: the vendor's client would raise a Python warning
    for each answer, which floods a night of 100,000 calls and is an error where warnings are errors.
    """

    name = "refund_worker"

    def __init__(self, inner: stripe.HTTPClient, *, on_notice: Callable[[str], None]) -> None:
        super().__init__()
        self._inner = inner
        self._on_notice = on_notice
        self._here = threading.local()

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: object = None, **_: object
    ) -> tuple[str, int, Mapping[str, str]]:
        """Send a request; returns body, status and headers."""
        body, status, found = self._inner.request(method, url, headers, post_data)
        answered: CaseInsensitiveDict[str] = CaseInsensitiveDict(found)
        self._here.answered = Head(status=status, headers=answered)
        notice = answered.pop("Stripe-Notice", None)
        if notice:
            self._on_notice(notice)
        return body, status, answered

    def forget(self) -> None:
        """Forget this thread's last answer."""
        self._here.answered = NO_HEAD

    @property
    def head(self) -> Head:
        """The head of this thread's last answer."""
        found: Head = getattr(self._here, "answered", NO_HEAD)
        return found


class Session(requests.Session):
    """One pool of connections for all threads; follows no redirect, reads no netrc, keeps no cookie."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.mount(base, HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS_MAX))
        # The proxies are looked up once, not for each request; and a netrc would replace our key.
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if not is_this_machine(base):
            self.proxies.update(get_environ_proxies(base))

    def request(self, method: str | bytes, url: str | bytes, *args: object, **options: object) -> requests.Response:
        """Send a request. A redirected POST would become a GET, or be sent to a stranger."""
        options["allow_redirects"] = False
        options["stream"] = True
        response = super().request(method, url, *args, **options)  # type: ignore[arg-type]  # passed on as they came
        _read_bounded(response)
        return response


def _read_bounded(response: requests.Response) -> None:
    """Read a body that may be endless, trickle or unpack to more than memory: give up as on a broken connection.

    Raises:
        requests.ConnectionError: If it is larger or slower than any answer of Stripe's.
    """
    until = time.monotonic() + BODY_TIMEOUT_S
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(_PART_BYTES):
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES_MAX or time.monotonic() > until:
            response.close()
            raise requests.ConnectionError("the answer is larger or slower than any of Stripe's")
    response._content = b"".join(parts)  # noqa: SLF001  requests' own place for a body that was read


def is_this_machine(base: str) -> bool:
    """The address is this machine's own, where no proxy is needed and nobody listens on the line."""
    host = urlsplit(base).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
