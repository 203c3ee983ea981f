"""The audit report of a run, in each format. The same rows and sums in all of them."""

from refund_worker.entrypoints.reports.as_csv import as_csv
from refund_worker.entrypoints.reports.as_json import as_json
from refund_worker.entrypoints.reports.as_text import as_text

__all__ = ["as_csv", "as_json", "as_text"]
