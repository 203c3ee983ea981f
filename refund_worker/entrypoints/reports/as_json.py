"""The report as one JSON object: the run's own `--json` with the causes, times and request ids an auditor asks for."""

import json

from refund_worker.domain.summary import counts_of, totals_of
from refund_worker.entrypoints.json_form import case_json
from refund_worker.usecases.report_run import Report


def as_json(report: Report) -> str:
    """Return the report; amounts are integers in minor units, times epoch seconds."""
    run, results = report.run, [row.result for row in report.rows]
    content = {
        "run": run.id,
        "mode": str(run.mode),
        "status": str(run.status),
        "customers_read": run.summary.get("customers_read", 0),
        "counts": counts_of(results),
        "totals": totals_of(results),
        "account": run.account,
        "livemode": run.livemode,
        "command": run.command,
        "policy_digest": run.policy_digest,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "cases": [
            case_json(row.result)
            | {
                "causes": list(row.result.causes),
                "since": row.since,
                "opened_at": row.opened_at,
                "closed_at": row.closed_at,
                "request_ids": list(row.request_ids),
            }
            for row in report.rows
        ],
    }
    return json.dumps(content, indent=2) + "\n"
