"""Writes runs, the policies they went by, and the plans they did not execute."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from refund_worker.adapters.ledger.chain import Entry, recorded
from refund_worker.adapters.ledger.codec import plan_to_json
from refund_worker.adapters.ledger.locks import RUN_START, lock_by_number
from refund_worker.adapters.ledger.tables import plans, policies, runs
from refund_worker.adapters.ledger.transaction import LedgerMisused, Transaction
from refund_worker.adapters.ledger.weighing_codec import weighing_to_json
from refund_worker.domain.canonical import canonical_json
from refund_worker.domain.plans import Plan
from refund_worker.domain.policy import Policy
from refund_worker.domain.runs import Run, RunStatus
from refund_worker.domain.unusual import Weighing

_KNOWN_POLICY = select(policies.c.digest).where(policies.c.digest == bindparam("of_digest"))
_INSERT_POLICY = insert(policies)
_NEXT_POSITION = select(func.coalesce(func.max(runs.c.position), 0) + 1)
_INSERT_RUN = insert(runs)
_UPDATE_RUN = update(runs).where(runs.c.id == bindparam("of_run"))
_INSERT_PLAN = insert(plans)


class RunWrites(Transaction):
    """The run part of the ledger's writer."""

    def start_run(self, run: Run, *, policy: Policy) -> None:
        """Record that a run began, and its policy whole; see the port."""
        digest = policy.digest()
        if run.policy_digest != digest:
            raise LedgerMisused(f"run {run.id} names another policy than it is given")
        # Two runs that start at once would take the same position, or both bring the policy.
        lock_by_number(self._connection, RUN_START)
        if self._connection.execute(_KNOWN_POLICY, {"of_digest": digest}).scalar() is None:
            self._connection.execute(_INSERT_POLICY, {"digest": digest, "policy": canonical_json(policy.canonical())})
        row: dict[str, Any] = {
            "id": run.id,
            "position": self._connection.execute(_NEXT_POSITION).scalar_one(),
            "account": run.account,
            "livemode": run.livemode,
            "command": run.command,
            "mode": str(run.mode),
            "sweep": run.sweep,
            "policy_digest": digest,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "status": str(run.status),
            "summary": canonical_json(dict(run.summary)),
        }
        self._connection.execute(_INSERT_RUN, row)
        self._record(Entry(at=run.started_at, kind="run_started", run=run.id, body={"run": recorded(row)}))

    def weighed(self, *, run: str, weighing: Weighing, now: int) -> None:
        """Record what a run's discovery found, and what of it is unusual; see the port."""
        self._change(run, kind="run_weighed", now=now, weighed=weighing_to_json(weighing))

    def let_through(self, *, run: str, by: str, reason: str, unusual: str, now: int) -> None:
        """Record who let an unusual run through; see the port."""
        facts = {"by": by, "at": now, "reason": reason, "unusual": unusual}
        self._change(run, kind="run_let_through", now=now, let_through=canonical_json(facts))

    def finish_run(self, *, run: str, status: RunStatus, summary: Mapping[str, object], now: int) -> None:
        """Record how a run ended; see the port."""
        self._change(
            run,
            kind="run_finished",
            now=now,
            status=str(status),
            finished_at=now,
            summary=canonical_json(dict(summary)),
        )

    def plan_only(self, *, case: str, run: str, plan: Plan, now: int) -> None:
        """Record a plan that is not executed in this run; see the port."""
        row = {
            "case_id": case,
            "run": run,
            "customer": plan.customer,
            "currency": plan.currency,
            "digest": plan.digest,
            "plan": plan_to_json(plan),
        }
        self._connection.execute(_INSERT_PLAN, row)
        self._record(
            Entry(
                at=now,
                kind="case_planned",
                run=run,
                case=case,
                customer=plan.customer,
                amount_minor=plan.planned_minor,
                currency=plan.currency,
                body={"plan": recorded(row)},
            )
        )

    def could_not_plan(self, *, run: str, kept: Mapping[str, object], now: int) -> None:
        """Record a case that could not be planned in a run: an entry of the trail, and no row; see the port."""
        self._record(
            Entry(
                at=now,
                kind="case_unplanned",
                run=run,
                customer=str(kept["customer"]),
                currency=str(kept["currency"]),
                body={"unplanned": dict(kept)},
            )
        )

    def _change(self, run: str, *, kind: str, now: int, **changed: int | str) -> None:
        if self._connection.execute(_UPDATE_RUN, {"of_run": run, **changed}).rowcount != 1:
            raise LedgerMisused(f"run {run} is not in the ledger")
        self._record(Entry(at=now, kind=kind, run=run, body={"run": recorded(changed)}))
