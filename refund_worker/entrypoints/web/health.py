"""`GET /healthz`: the process lives. `GET /readyz`: it can do its work. Platforms ask every few seconds."""

from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from refund_worker.adapters.ledger.gauges import LedgerState
from refund_worker.domain.errors import LedgerError
from refund_worker.entrypoints.web.committer import Committer
from refund_worker.entrypoints.web.looking import Look
from refund_worker.entrypoints.web.parts import WebParts

# Kubernetes asks again after a few seconds; a probe that waits longer says no.
WITHIN_S: Final = 2.0
_FRESH_S: Final = 1.0

log = structlog.get_logger("refund_worker")


class Health:
    """The probes. What is not as it must be is told by its name alone; why stands in the log."""

    def __init__(self, parts: WebParts, *, committer: Committer) -> None:
        self._committer = committer
        self._livemode = parts.livemode
        self._ledger = Look(parts.gauges.state, within_s=WITHIN_S, fresh_s=_FRESH_S)
        self._redis = None if parts.ping is None else Look(parts.ping, within_s=WITHIN_S, fresh_s=_FRESH_S)
        self._mode: bool | None = None
        self._said: dict[str, bool] = {}

    async def healthz(self, _request: Request) -> Response:
        """Answer at once, asking nobody."""
        return PlainTextResponse("alive") if self._committer.lives else PlainTextResponse("dead", status_code=503)

    async def readyz(self, _request: Request) -> Response:
        """Answer with the names of what was looked at; 503 where one of them failed."""
        checks, state = await self.checks()
        body = {name: "ok" if fine else "failed" for name, fine in checks.items()}
        ready = all(checks.values())
        # A halt is a decision, and so is what a run waits for: webhooks are received all the same.
        stops = {} if state is None else {"halted": state.halted, "waiting": state.waiting}
        told = {"ready": ready, "checks": body} | stops
        return JSONResponse(told, status_code=200 if ready else 503)

    async def checks(self) -> tuple[dict[str, bool], LedgerState | None]:
        """Which checks passed, and how the ledger stands; None where that is not known."""
        checks = dict.fromkeys(("database", "migrations", "binding"), False)
        state = await self._state()
        if state is not None:
            checks |= {
                "database": True,
                "migrations": state.migrated,
                "binding": state.migrated and (None in (state.livemode, self._livemode) or self._agrees(state)),
            }
        if self._redis is not None:
            checks["redis"] = await self._pinged(self._redis)
        for name, fine in checks.items():
            self._tell_change(name, fine=fine)
        return checks, state

    async def mode(self) -> bool | None:
        """The mode of the account that the ledger is bound to, as last seen; None where it is not bound."""
        if self._mode is None:  # once bound, a ledger stays so
            state = await self._state()
            self._mode = None if state is None else state.livemode
        return self._mode

    def _agrees(self, state: LedgerState) -> bool:
        return state.livemode is self._livemode

    async def _state(self) -> LedgerState | None:
        try:
            return await self._ledger.answer()
        except (LedgerError, TimeoutError):
            return None

    async def _pinged(self, redis: Look[object]) -> bool:
        try:
            await redis.answer()
        except Exception:  # noqa: BLE001  whatever it is, Redis did not answer
            return False
        return True

    def _tell_change(self, name: str, *, fine: bool) -> None:
        if self._said.get(name, True) != fine:
            (log.info if fine else log.error)("ready_again" if fine else "not_ready", check=name)
        self._said[name] = fine
