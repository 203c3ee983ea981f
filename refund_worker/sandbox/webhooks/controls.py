"""The test controls of deliveries: JSON in, JSON out, under `/_sandbox/webhooks`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from refund_worker.sandbox.webhooks.faults import DeliveryFaults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from refund_worker.sandbox.sandbox import Sandbox

Arguments = dict[str, Any]


def _state(sandbox: Sandbox, _arguments: Arguments) -> Any:
    courier = sandbox.courier
    return {
        "waiting": courier.waiting,
        "attempts": courier.outcomes(),
        "faults": dataclasses.asdict(courier.faults),
    }


def _set_faults(sandbox: Sandbox, arguments: Arguments) -> Any:
    sandbox.courier.faults = DeliveryFaults(**arguments)
    return _state(sandbox, {})


def _clear_faults(sandbox: Sandbox, _arguments: Arguments) -> Any:
    return _set_faults(sandbox, {})


def _log(sandbox: Sandbox, _arguments: Arguments) -> Any:
    return {"deliveries": [entry._asdict() for entry in sandbox.courier.log()]}


def _clear_log(sandbox: Sandbox, _arguments: Arguments) -> Any:
    sandbox.courier.clear_log()
    return {"deliveries": []}


def _send(sandbox: Sandbox, arguments: Arguments) -> Any:
    return sandbox.deliver(**arguments)._asdict()


CONTROLS: Final[Mapping[tuple[str, str], Callable[[Sandbox, Arguments], Any]]] = {
    ("GET", "webhooks"): _state,
    ("POST", "webhooks/faults"): _set_faults,
    ("DELETE", "webhooks/faults"): _clear_faults,
    ("GET", "webhooks/log"): _log,
    ("DELETE", "webhooks/log"): _clear_log,
    ("POST", "webhooks/send"): _send,
}
