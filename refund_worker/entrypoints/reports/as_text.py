"""The report as text, to be read by a person or printed."""

from refund_worker.domain.results import CaseResult
from refund_worker.domain.summary import counts_of
from refund_worker.entrypoints.amounts import face_value
from refund_worker.entrypoints.exits import visible
from refund_worker.entrypoints.table import totals_lines
from refund_worker.entrypoints.times import utc
from refund_worker.usecases.report_run import Report, ReportRow


def as_text(report: Report) -> str:
    """Return the report with the run, the totals per currency and every case with its refunds and movements."""
    run = report.run
    mode = "live" if run.livemode else "test"
    finished = utc(run.finished_at) if run.finished_at else "not finished"
    lines = [
        f"Run {run.id} ({run.command}, {run.status})",
        f"Account {run.account}, {mode} mode, policy {run.policy_digest}",
        f"Started {utc(run.started_at)}, finished {finished}",
        "Balances have Stripe's sign: negative is credit.",
        "",
        *_sums(report),
    ]
    for row in report.rows:
        lines += ["", *_case(row)]
    return "\n".join(visible(line) for line in lines) + "\n"


def _sums(report: Report) -> list[str]:
    results = [row.result for row in report.rows]
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts_of(results).items() if count)
    return [f"Cases: {counts or 'none'}", *totals_lines(results)]


def _case(row: ReportRow) -> list[str]:
    case = row.result
    reason = f" ({case.reason})" if case.reason else ""
    since = f", since {utc(row.since)}" if row.since else ""
    lines = [
        f"{case.customer}  {case.outcome.replace('_', ' ')}{reason}{since}",
        f"  case {case.case}, digest {case.digest or 'none'}",
        f"  {_credit(case)}; left {_money(case, case.left_minor)}{_made_by(case)}",
    ]
    lines += [
        f"  refund {_money(case, one.amount_minor)} over {one.charge} ({one.invoice}): "
        f"{one.refund or 'not sent'} {one.status or ''}".rstrip()
        for one in case.refunds
    ]
    lines += [
        f"  {one.step.partition(':')[0].replace('_', ' ')} {_money(case, one.amount_minor)}: "
        f"{one.customer_balance_transaction}"
        + ("" if one.ending_balance_minor is None else f", balance then {_money(case, one.ending_balance_minor)}")
        for one in case.movements
    ]
    if row.request_ids:
        lines.append(f"  requests {', '.join(row.request_ids)}")
    return lines


def _money(case: CaseResult, minor: int) -> str:
    return face_value(minor, case.currency)


def _credit(case: CaseResult) -> str:
    credit, excluded, refundable = (
        _money(case, minor) for minor in (case.credit_minor, case.excluded_minor, case.refundable_minor)
    )
    return f"credit {credit} = excluded {excluded} + refundable {refundable}"


def _made_by(case: CaseResult) -> str:
    words = " and ".join(cause.replace("_", " ") for cause in case.causes)
    return f"; made by {words}" if words else ""
