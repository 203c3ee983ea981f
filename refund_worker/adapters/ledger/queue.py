"""The queue that all workers share: implements `ports.WorkQueue` beside the ledger, in the same database."""

from refund_worker.adapters.ledger.case_queue import CaseRows
from refund_worker.adapters.ledger.coordination import CounterRows, HaltRows, LeaseRows
from refund_worker.adapters.ledger.customer_queue import CustomerRows
from refund_worker.adapters.ledger.inbox import InboxRows
from refund_worker.adapters.ledger.outbox import NoticeRows
from refund_worker.adapters.ledger.refund_watch import RefundWatch
from refund_worker.adapters.ledger.run_funds import FundRows
from refund_worker.adapters.ledger.shared_runs import SharedRunRows
from refund_worker.adapters.ledger.weighings import WeighingRows


class SqlQueue(
    InboxRows,
    CustomerRows,
    CaseRows,
    SharedRunRows,
    WeighingRows,
    FundRows,
    LeaseRows,
    HaltRows,
    CounterRows,
    NoticeRows,
    RefundWatch,
):
    """Each call is one transaction, and harmless when it is made twice. Raises LedgerError."""
