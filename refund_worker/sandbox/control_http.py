"""Test controls for other processes: JSON over HTTP under `/_sandbox/`, on the same loopback port, without a key."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Final

from refund_worker.sandbox.answers import Answer, SandboxError
from refund_worker.sandbox.errors import ApiError
from refund_worker.sandbox.faults import Fault
from refund_worker.sandbox.keys import known_keys
from refund_worker.sandbox.limits import RateLimits
from refund_worker.sandbox.scenes import cancel_subscriptions
from refund_worker.sandbox.webhooks import controls as webhooks

if TYPE_CHECKING:
    from collections.abc import Callable

    from refund_worker.sandbox.sandbox import Sandbox

PREFIX: Final = "/_sandbox/"


def answer(sandbox: Sandbox, *, method: str, target: str, body: bytes) -> Answer:
    """Answer one control request: 200, 400 for arguments that do not fit, 404 for an unknown control."""
    name = target.removeprefix(PREFIX).partition("?")[0].rstrip("/")
    head, _, rest = name.partition("/")
    try:
        arguments = json.loads(body) if body else {}
        deliveries = webhooks.CONTROLS.get((method, name))
        if deliveries is not None:
            return _json(200, deliveries(sandbox, arguments))
        known = _CONTROLS.get((method, name)) or _CONTROLS.get((method, head + "/*"))
        if known is None:
            return _json(404, {"error": f"no control {method} {target}"})
        return _json(200, known(sandbox, rest, arguments))
    except (ApiError, SandboxError, ValueError, TypeError, KeyError) as wrong:
        return _json(400, {"error": f"{type(wrong).__name__}: {wrong}"})


def _json(status: int, shown: Any) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(shown).encode())


def _clock(sandbox: Sandbox, _rest: str, _arguments: dict[str, Any]) -> Any:
    return {"now": sandbox.clock.now}


def _advance(sandbox: Sandbox, _rest: str, arguments: dict[str, Any]) -> Any:
    return {"now": sandbox.clock.advance(int(arguments["seconds"]))}


def _add_fault(sandbox: Sandbox, _rest: str, arguments: dict[str, Any]) -> Any:
    with sandbox.lock:
        sandbox.faults.add(Fault(**arguments))
    return {"armed": len(sandbox.faults)}


def _faults(sandbox: Sandbox, _rest: str, _arguments: dict[str, Any]) -> Any:
    return {"armed": [dataclasses.asdict(fault) for fault in sandbox.faults.armed()]}


def _clear_faults(sandbox: Sandbox, _rest: str, _arguments: dict[str, Any]) -> Any:
    with sandbox.lock:
        sandbox.faults.clear()
    return {"armed": 0}


def _books(sandbox: Sandbox, _rest: str, _arguments: dict[str, Any]) -> Any:
    return {"books": [dataclasses.asdict(books) for books in sandbox.books()]}


def _requests(sandbox: Sandbox, _rest: str, _arguments: dict[str, Any]) -> Any:
    return {"requests": [entry._asdict() for entry in sandbox.request_log]}


def _clear_requests(sandbox: Sandbox, _rest: str, _arguments: dict[str, Any]) -> Any:
    with sandbox.lock:
        sandbox.log.clear()
    return {"requests": []}


def _counters(sandbox: Sandbox, _rest: str, _arguments: dict[str, Any]) -> Any:
    with sandbox.lock:
        return {"per_endpoint": dict(sandbox.log.per_endpoint), "per_status": dict(sandbox.log.per_status)}


def _state(sandbox: Sandbox, _rest: str, _arguments: dict[str, Any]) -> Any:
    with sandbox.lock:
        settings = sandbox.world.settings
        return {
            "account": settings.account,
            "livemode": settings.livemode,
            "seed": settings.seed,
            "now": sandbox.world.now,
            "objects": sandbox.world.store.counts(),
        }


def _forget_keys(sandbox: Sandbox, _rest: str, arguments: dict[str, Any]) -> Any:
    with sandbox.lock:
        sandbox.idempotency.forget(arguments.get("key"))
    return {}


def _limits(sandbox: Sandbox, _rest: str, _arguments: dict[str, Any]) -> Any:
    with sandbox.lock:
        return {"limits": dataclasses.asdict(sandbox.limiter.limits) if sandbox.limiter is not None else None}


def _set_limits(sandbox: Sandbox, rest: str, arguments: dict[str, Any]) -> Any:
    sandbox.limit(RateLimits(**arguments))
    return _limits(sandbox, rest, arguments)


def _no_limits(sandbox: Sandbox, rest: str, arguments: dict[str, Any]) -> Any:
    sandbox.limit(None)
    return _limits(sandbox, rest, arguments)


def _latency(sandbox: Sandbox, _rest: str, arguments: dict[str, Any]) -> Any:
    sandbox.latency_ms = int(arguments["ms"])
    return {"ms": sandbox.latency_ms}


def _add_keys(sandbox: Sandbox, _rest: str, arguments: dict[str, Any]) -> Any:
    with sandbox.lock:
        sandbox.keys = {**sandbox.keys, **known_keys(arguments)}
        return {"keys": len(sandbox.keys)}


def _cancel(sandbox: Sandbox, _rest: str, arguments: dict[str, Any]) -> Any:
    return {"canceled": cancel_subscriptions(sandbox, **arguments)}


def _control(sandbox: Sandbox, rest: str, arguments: dict[str, Any]) -> Any:
    return sandbox.control.call(rest, arguments)


def _build(sandbox: Sandbox, rest: str, arguments: dict[str, Any]) -> Any:
    return sandbox.build.call(rest, arguments)


_CONTROLS: Final[dict[tuple[str, str], Callable[[Sandbox, str, dict[str, Any]], Any]]] = {
    ("GET", "clock"): _clock,
    ("POST", "clock/advance"): _advance,
    ("POST", "faults"): _add_fault,
    ("GET", "faults"): _faults,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "books"): _books,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _clear_requests,
    ("GET", "counters"): _counters,
    ("GET", "state"): _state,
    ("POST", "idempotency/forget"): _forget_keys,
    ("GET", "limits"): _limits,
    ("POST", "limits"): _set_limits,
    ("DELETE", "limits"): _no_limits,
    ("POST", "latency"): _latency,
    ("POST", "keys"): _add_keys,
    ("POST", "cancel"): _cancel,
    ("POST", "control/*"): _control,
    ("POST", "build/*"): _build,
}
