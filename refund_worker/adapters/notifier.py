"""Sends notices to people through Apprise: Slack, Teams, e-mail and a hundred others, each by its address.

An address is a secret as a whole: nothing here repeats one, and Apprise's own log, which does, is silenced.
"""

import logging
import warnings
from collections.abc import Sequence
from typing import Final

from apprise import Apprise, AppriseAsset
from apprise.plugins import NotifyBase

from refund_worker.adapters.notifier_error import NotifierError

# A target that hangs is given up: notices have a thread of their own, but others wait behind it.
CONNECT_WITHIN_S: Final = 5.0
ANSWER_WITHIN_S: Final = 10.0
_WITHIN_S: Final = 20.0


class Notifier:
    """Sends to each target by itself: one that is dead keeps no message from another."""

    def __init__(self, addresses: Sequence[str], *, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        """Prepare; nothing is sent. Raises NotifierError."""
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        asset = AppriseAsset(
            service_timeout=_WITHIN_S,
            app_id="refund-worker",
            app_desc="refund-worker",
            app_url="",
            async_mode=False,
            secure_logging=True,
        )
        self._targets = tuple(
            _target(address, place, asset, answer_within_s=answer_within_s)
            for place, address in enumerate(addresses, start=1)
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The scheme of each target, in their order: all of an address that is no secret."""
        return tuple(str(target.schema) for target in self._targets)

    def send(self, *, target: int, title: str, body: str) -> bool:
        """Send to one target, by its place in `kinds`; False where it did not take it. Raises nothing."""
        try:
            return bool(self._targets[target].notify(title=title, body=body))
        except Exception:  # noqa: BLE001  a hundred plugins: whatever one of them raises, its target did not take it
            return False


def _target(address: str, place: int, asset: AppriseAsset, *, answer_within_s: float) -> NotifyBase:
    with warnings.catch_warnings():
        # The first address loads all plugins, some of which use what Python will drop one day.
        warnings.simplefilter("ignore")
        found = Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if not isinstance(found, NotifyBase):
        raise NotifierError(f"NOTIFY_URLS: address {place} is none that Apprise knows, or it is incomplete")
    found.socket_connect_timeout = CONNECT_WITHIN_S
    found.socket_read_timeout = answer_within_s
    return found
