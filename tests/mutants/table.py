"""All faults, by name."""

from tests.mutants import in_ledger, in_lots, in_outcomes, in_planning, in_saga
from tests.mutants.fault import Fault

FAULTS: tuple[Fault, ...] = in_planning.FAULTS + in_lots.FAULTS + in_saga.FAULTS + in_outcomes.FAULTS + in_ledger.FAULTS
