"""The ledger's writer: one transaction, its entries sealed at the end."""

from refund_worker.adapters.ledger.write_cases import CaseWrites
from refund_worker.adapters.ledger.write_runs import RunWrites
from refund_worker.adapters.ledger.write_standings import StandingWrites
from refund_worker.adapters.ledger.write_steps import StepWrites


class SqlWriter(RunWrites, CaseWrites, StepWrites, StandingWrites):
    """Implements `ports.LedgerWriter`. A lost head lock or a broken constraint rolls all of it back."""
