"""The report as CSV: one line a refund, and one for each case without any; sums up in a spreadsheet."""

import csv
import io

from refund_worker.domain.results import RefundResult
from refund_worker.usecases.report_run import Report, ReportRow

COLUMNS = (
    "run",
    "case",
    "customer",
    "currency",
    "outcome",
    "reason",
    "credit_minor",
    "excluded_minor",
    "refundable_minor",
    "held_minor",
    "left_minor",
    "charge",
    "invoice",
    "refund",
    "refund_status",
    "refund_minor",
    "digest",
    "causes",
)


def as_csv(report: Report) -> str:
    """Return the report; amounts in minor units.

    The case's own amounts stand on its first line only, so that each column adds up.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in report.rows:
        for position, refund in enumerate(row.result.refunds or (None,)):
            writer.writerow([_inert(value) for value in _line(report, row, refund, first=position == 0)])
    return out.getvalue()


def _line(report: Report, row: ReportRow, refund: RefundResult | None, *, first: bool) -> list[object]:
    case = row.result
    amounts = (case.credit_minor, case.excluded_minor, case.refundable_minor, case.held_minor, case.left_minor)
    return [
        report.run.id,
        case.case,
        case.customer,
        case.currency,
        case.outcome,
        case.reason or "",
        *(amount if first else 0 for amount in amounts),
        refund.charge if refund else "",
        refund.invoice if refund else "",
        (refund.refund if refund else None) or "",
        (refund.status if refund else None) or "",
        refund.amount_minor if refund else 0,
        case.digest,
        " ".join(case.causes),
    ]


def _inert(value: object) -> object:
    """A text that a spreadsheet would run as a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
