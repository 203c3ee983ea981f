"""`doctor`: what a person would check before the first night, and again when something is odd. It changes nothing."""

import json
import os
import sys
from collections import Counter
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from refund_worker.bootstrap import read_policy
from refund_worker.entrypoints.doctor_checks import Checks
from refund_worker.entrypoints.doctor_lines import Level, Section
from refund_worker.entrypoints.exits import Exit, Out, showing, visible
from refund_worker.observability import configure_logging, keep_secret
from refund_worker.settings import load_settings

_SIGNS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.PROBLEM: ("✗", "bold red")}


def doctor(*, as_json: bool) -> Exit:
    """Check the set-up; 0 = all is well, 1 = something was found."""
    configure_logging(json=not sys.stderr.isatty(), stream=sys.stderr)
    settings = load_settings(os.environ)
    keep_secret(settings.secrets())
    _ = settings.api_key
    sections = Checks(settings, read_policy(settings)).all()
    levels = Counter(line.level for section in sections for line in section.lines)
    worst = next((level for level in (Level.PROBLEM, Level.WARNING) if levels[level]), Level.OK)
    with showing():
        if as_json:
            found = {"status": str(worst), "sections": [asdict(section) for section in sections]}
            print(json.dumps(found))  # noqa: T201  the contract's one object
        else:
            _print(Out(), sections, levels)
    return Exit.FINISHED if worst is Level.OK else Exit.FOUND


def _print(console: Console, sections: tuple[Section, ...], levels: Counter[Level]) -> None:
    for section in sections:
        console.print(Text(section.name, style="bold"))
        for line in section.lines:
            sign, style = _SIGNS[line.level]
            row = Text("  ").append(sign, style=style).append(" " + visible(line.text))
            console.print(row, soft_wrap=True)
            if line.advice:
                console.print(Text(f"      {visible(line.advice)}", style="dim"), soft_wrap=True)
        console.print()
    problems, warnings = levels[Level.PROBLEM], levels[Level.WARNING]
    if not problems and not warnings:
        console.print(Text(f"All {levels[Level.OK]} checks are well.", style="green"))
        return
    console.print(
        f"{levels[Level.OK]} well, {_many(warnings, 'warning')}, {_many(problems, 'problem')}", highlight=False
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
