"""All scenarios, in the order of their files."""

from __future__ import annotations

from typing import Final

from refund_worker.sandbox.population import (
    amounts,
    changes,
    currencies,
    holds,
    origins,
    payments,
    pending,
    unpaid,
    unusable,
)
from refund_worker.sandbox.population.scenario import Scenario

SCENARIOS: Final[tuple[Scenario, ...]] = tuple(
    found
    for chapter in (changes, payments, unusable, origins, amounts, currencies, pending, unpaid, holds)
    for found in vars(chapter).values()
    if isinstance(found, Scenario)
)
