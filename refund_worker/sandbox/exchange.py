"""One request on its way through the sandbox: admitted, executed, answered.

Admission (authentication, route, limits, parameters, idempotency) and execution each hold the lock; the latency and
ordered delays lie between and behind them, so that a second request can find the first one in flight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from refund_worker.sandbox import forms, idempotency, keys, limits, params
from refund_worker.sandbox.answers import Answer
from refund_worker.sandbox.errors import ApiError
from refund_worker.sandbox.expand import compiled
from refund_worker.sandbox.faults import AnswerLost, Fault
from refund_worker.sandbox.request_log import Logged
from refund_worker.sandbox.routes import Call, Route
from refund_worker.sandbox.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refund_worker.sandbox.expand import Tree
    from refund_worker.sandbox.sandbox import Sandbox


@dataclass(slots=True)
class Exchange:
    """A request and what has been found out about it so far."""

    sandbox: Sandbox
    method: str
    path: str
    flat: list[tuple[str, str]]
    headers: Mapping[str, str]  # names in lower case
    request_id: str
    version: str = ""
    secret: str = ""
    api_key: keys.ApiKey | None = None
    template: str = ""
    route: Route | None = None
    call: Call | None = None
    expand: Tree = field(default_factory=dict)
    key: str | None = None  # the idempotency key, once claimed
    fault: Fault | None = None
    original: str | None = None  # request id that first used the key

    def admit(self) -> Answer | None:
        """Check everything that comes before execution; an answer if the request ends here.

        Raises:
            AnswerLost: If a fault drops the connection.
        """
        try:
            return self._admit()
        except ApiError as refused:
            return self.refusal(refused)

    def _admit(self) -> Answer | None:
        sandbox, world = self.sandbox, self.sandbox.world
        self.version = version_of(self.headers)
        self.secret, self.api_key = keys.authenticate(sandbox.keys, self.headers.get("authorization"))
        self._check_account()
        self.route, ids = sandbox.router.find(self.method, self.path)
        self.template = self.route.path
        if sandbox.limiter is not None:
            sandbox.limiter.admit(self.route.label)
        keys.permit(self.secret, self.api_key, self.route.permission, account=world.settings.account)
        if len(sandbox.faults):
            self._strike()
        values = params.parse(forms.tree(self.flat), self.route.takes, required=self.route.required)
        self.expand = compiled(self.route.answers, tuple(values.pop("expand", ())))
        self.call = Call(world, ids, values)
        return self._claim()

    def _check_account(self) -> None:
        named = self.headers.get("stripe-account")
        if named is not None and named != self.sandbox.world.settings.account:
            raise ApiError(
                f"The provided key does not have access to account '{named}' (or that account does not exist). "
                "Application access may have been revoked.",
                status=403, code="account_invalid", stored=False,
            )  # fmt: skip

    def _strike(self) -> None:
        key = self.headers.get("idempotency-key")
        self.fault = fault = self.sandbox.faults.strike(
            method=self.method, template=self.template, path=self.path, params=dict(self.flat), key=key
        )
        if fault is None:
            return
        if fault.kind == "before_execution":
            raise AnswerLost("the connection dropped before anything happened")
        if fault.kind == "http_500":
            raise ApiError("An unknown error occurred", status=500, kind="api_error", stored=False)
        if fault.kind == "unauthorized":
            raise keys.invalid(self.secret)
        if fault.kind == "forbidden":
            assert self.route is not None  # noqa: S101  # found before faults strike
            account = self.sandbox.world.settings.account
            raise keys.lacking(self.secret, self.route.permission, account=account)
        if fault.kind == "lock_timeout":
            raise limits.lock_timeout()
        if fault.kind == "rate_limited":
            raise limits.limited(fault.reason)
        if fault.kind == "refused" and not fault.stored:
            raise self._ordered(fault)

    def _ordered(self, fault: Fault) -> ApiError:
        kind = "card_error" if fault.status == 402 else "invalid_request_error"
        return ApiError(
            fault.message, status=fault.status, kind=kind, code=fault.code, param=fault.param, stored=fault.stored
        )

    def _claim(self) -> Answer | None:
        key = self.headers.get("idempotency-key")
        if key is None or self.method != "POST":
            return None
        fingerprint: idempotency.Fingerprint = (self.method, self.path, tuple(sorted(self.flat)))
        world = self.sandbox.world
        replay = self.sandbox.idempotency.claim(key, fingerprint, now=world.now, request_id=self.request_id)
        if replay is not None:
            self.original = replay.request_id
            answer = self.answer(replay.status or 500, replay.body)
            answer.headers["Idempotent-Replayed"] = "true"
            return answer
        self.key, self.original = key, self.request_id
        return None

    def execute(self) -> Answer:
        """Do what was asked and keep the answer under the key."""
        assert self.route is not None and self.call is not None  # noqa: S101, PT018  # admitted before
        world = self.sandbox.world
        world.request_id, world.idempotency_key = self.request_id, self.key
        try:
            answer = self._executed(self.route, self.call)
        except ApiError as refused:
            return self.refusal(refused)
        except BaseException:
            self._settle(None)  # a fault of the sandbox itself: the key must not stay in flight
            raise
        finally:
            world.request_id = world.idempotency_key = None
        self._settle(answer)
        return answer

    def _executed(self, route: Route, call: Call) -> Answer:
        kind = self.fault.kind if self.fault is not None else None
        if self.fault is not None and kind == "refused":
            raise self._ordered(self.fault)
        if self.fault is not None and kind == "stored_500":
            if self.fault.executed:
                route.act(call)
            raise ApiError("An unknown error occurred", status=500, kind="api_error")
        return self.answer(200, self.sandbox.render(route.act(call), self.expand).encode())

    def _settle(self, answer: Answer | None) -> None:
        if self.key is None:
            return
        if answer is None:
            self.sandbox.idempotency.release(self.key)
        else:
            self.sandbox.idempotency.store(self.key, status=answer.status, body=answer.body)

    def refusal(self, refused: ApiError) -> Answer:
        """The error's answer; stored under the key if it came from execution."""
        answer = self.answer(refused.status, refused.envelope(request_id=self.request_id))
        answer.headers.update(refused.headers)
        if refused.code == "lock_timeout":
            del answer.headers["Request-Id"]  # such requests have none
        self._settle(answer if refused.stored else None)
        return answer

    def answer(self, status: int, body: bytes) -> Answer:
        """An answer with the headers every answer has."""
        headers = {
            "Content-Type": "application/json",
            "Request-Id": self.request_id,
            "Stripe-Version": self.version,
        }
        key = self.headers.get("idempotency-key")
        if key is not None and self.method == "POST":
            headers["Idempotency-Key"] = key
            headers["Original-Request"] = self.original or self.request_id
            headers["Stripe-Should-Retry"] = "true" if status == 409 else "false"
        if status >= 500:
            headers.pop("Stripe-Should-Retry", None)
        return Answer(status, headers, body)

    def deliver(self, answer: Answer) -> Answer:
        """Let a fault spoil the answer on its way.

        Raises:
            AnswerLost: If the fault drops the connection.
        """
        kind = self.fault.kind if self.fault is not None else None
        if kind == "answer_lost":
            raise AnswerLost("executed, but the connection dropped before the answer")
        if kind == "cut_body":
            answer.cut = True
            answer.body = answer.body[: len(answer.body) // 2]
        elif kind == "malformed_body":
            answer.body = b"<html>upstream connect error</html>"
        return answer

    def logged(self, status: int) -> Logged:
        """The line for the request log."""
        return Logged(
            self.sandbox.world.now, self.request_id, self.method, self.template or self.path, status,
            self.headers.get("idempotency-key"), self.api_key.kind if self.api_key else "",
        )  # fmt: skip
