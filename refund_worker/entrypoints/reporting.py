"""`report` and `policy show`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from refund_worker.adapters.policy_file import show_policy as policy_text
from refund_worker.bootstrap import open_ledger, read_policy
from refund_worker.entrypoints.exits import WrongUse, showing
from refund_worker.entrypoints.reports import as_csv, as_json, as_text
from refund_worker.settings import load_settings
from refund_worker.usecases.report_run import Report, report_run

FORMATS: dict[str, Callable[[Report], str]] = {"text": as_text, "csv": as_csv, "json": as_json}
ENDINGS = {"text": ".txt", "csv": ".csv", "json": ".json"}


def report(*, run: str, formats: str, output: Path | None) -> None:
    """Write the audit report of a run to standard output, or to files."""
    names = [name.strip() for name in formats.split(",")]
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise WrongUse(f"no report format {unknown[0]!r}; there are: {', '.join(FORMATS)}")
    if len(names) > 1 and output is None:
        raise WrongUse("several formats need --output PATH, the files' name without ending")
    settings = load_settings(os.environ)
    found = report_run(open_ledger(settings, create=False), run)
    if found is None:
        raise WrongUse(f"the ledger has no run {run!r}: `refund-worker run --json` tells each run's id")
    for name in names:
        text = FORMATS[name](found)
        if output is None:
            with showing():
                sys.stdout.write(text)
        else:
            _write(output if len(names) == 1 else output.with_name(output.name + ENDINGS[name]), text)


def show_policy() -> None:
    """Print the policy in force."""
    settings = load_settings(os.environ)
    sys.stdout.write(policy_text(read_policy(settings), tz=settings.company_tz))


def _write(path: Path, text: str) -> None:
    if path.is_dir():
        raise WrongUse(f"{path} is a directory; --output names a file")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"cannot write {path}: {error.strerror}") from None
