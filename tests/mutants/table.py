"""All faults, by name."""

from tests.mutants import (
    in_currencies,
    in_guards,
    in_items,
    in_ledger,
    in_lots,
    in_outcomes,
    in_planning,
    in_saga,
    in_weighing,
)
from tests.mutants.fault import Fault

_MODULES = (in_planning, in_guards, in_currencies, in_items, in_lots, in_saga, in_weighing, in_outcomes, in_ledger)
FAULTS: tuple[Fault, ...] = tuple(fault for module in _MODULES for fault in module.FAULTS)
