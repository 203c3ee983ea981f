"""One fault: a text that stands in a file exactly once, what it becomes, and which tests must turn red."""

from dataclasses import dataclass
from pathlib import Path

SAGA = "tests/domain/test_saga.py"
PLANNING = "tests/domain/test_planning.py"
LOTS = "tests/domain/test_provenance.py"
RESTS = "tests/domain/test_mark_rest.py"
GUARDS = "tests/domain/test_guards.py"
CHARGES = "tests/domain/test_charges.py"
MARKS = "tests/domain/test_marks.py"
EDGES = "tests/domain/test_edges.py"
CAUSES = "tests/domain/test_causes.py"
RULES = "tests/domain/test_thresholds.py"
CHARGE_RULES = "tests/domain/test_thresholds_charges.py"
ITEM_RULES = "tests/domain/test_thresholds_items.py"
POINTS = "tests/crash/test_recovery_points.py"
LOST = "tests/crash/test_lost_ledger.py"
GIVE_BACK = "tests/usecases/test_give_back.py"
STOPS = "tests/usecases/test_stops.py"
WORKERS = "tests/usecases/test_workers.py"
RESTORED = "tests/usecases/test_restored_ledger.py"
MENDING = "tests/usecases/test_recover.py"
MEANWHILE = "tests/usecases/test_credit_used_meanwhile.py"
LIMITER = "tests/adapters/test_rate_limiter.py"
CLAIMS = "tests/adapters/ledger/test_claims.py"
CONTRACT = "tests/adapters/ledger/test_contract.py"
TAMPERING = "tests/adapters/ledger/test_tampering.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        file: Below `refund_worker/`.
        old: Stands in the file exactly once; within one line.
        new: What it becomes.
        breaks: The rule that it breaks, in a few words.
        killers: Test node ids (a file stands for all tests in it); at least one test of them must fail.
    """

    name: str
    file: str
    old: str
    new: str
    breaks: str
    killers: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file, from the repository's root."""
        return Path("refund_worker") / self.file

    def occurrences(self, root: Path) -> int:
        """How often the old text stands in the file; 1 unless the table is out of date."""
        path = root / self.path
        return path.read_text().count(self.old) if path.is_file() else 0

    def applied(self, text: str) -> str:
        """The file's text with the fault in it."""
        return text.replace(self.old, self.new)
