"""The table of faults cannot rot: each stands once where it says, in one place, with tests that exist."""

from collections import Counter

import pytest

from tests.mutants.fault import Fault
from tests.mutants.table import FAULTS
from tests.mutants.trial import ROOT

each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


@each_fault
def test_the_text_of_a_fault_stands_exactly_once(fault: Fault) -> None:
    """Else it is about code that is no more, or hits more than it says."""
    assert fault.occurrences(ROOT) == 1
    assert fault.applied(fault.old) != fault.old


@each_fault
def test_a_fault_leaves_python_that_compiles(fault: Fault) -> None:
    """A fault must die by a test, not by its syntax."""
    compile(fault.applied((ROOT / fault.path).read_text()), str(fault.path), "exec")


@each_fault
def test_the_killers_of_a_fault_exist(fault: Fault) -> None:
    """Each file, and each test that is named in it."""
    assert fault.killers
    for killer in fault.killers:
        path, _, name = killer.partition("::")
        assert (ROOT / path).is_file(), path
        assert f"def {name}(" in (ROOT / path).read_text() if name else True


def test_there_are_at_least_40_and_no_two_have_one_name() -> None:
    """Names are how `--only` finds them."""
    assert len(FAULTS) >= 40
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
