"""A halt: all money steps stop until a person says go on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """A halt that stands: why, who said so, since when (epoch seconds)."""

    reason: str
    by: str
    at: int
