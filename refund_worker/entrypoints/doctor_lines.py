"""What `doctor` says: sections of lines, each with how well it is and what to do about it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """How well something is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was checked; `advice` says what to do, empty where nothing is to be done."""

    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Lines about one thing."""

    name: str
    lines: list[Line] = field(default_factory=list)

    def ok(self, text: str) -> None:
        """It is well."""
        self.lines.append(Line(level=Level.OK, text=text))

    def warn(self, text: str, advice: str = "") -> None:
        """It works, but somebody should look."""
        self.lines.append(Line(level=Level.WARNING, text=text, advice=advice))

    def problem(self, text: str, advice: str = "") -> None:
        """It does not work."""
        self.lines.append(Line(level=Level.PROBLEM, text=text, advice=advice))
