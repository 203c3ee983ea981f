"""The JSON of the contract (README): amounts are integers in the currency's minor unit."""

from collections.abc import Iterable, Mapping

from refund_worker.domain.results import CaseResult


def run_json(summary: Mapping[str, object], cases: Iterable[CaseResult]) -> dict[str, object]:
    """Return the object that `run`, `plan` and `resume` print with `--json`."""
    return {**summary, "cases": [case_json(case) for case in cases]}


def case_json(case: CaseResult) -> dict[str, object]:
    """Return one case of that object."""
    return {
        "case": case.case,
        "customer": case.customer,
        "currency": case.currency,
        "credit_minor": case.credit_minor,
        "excluded_minor": case.excluded_minor,
        "refundable_minor": case.refundable_minor,
        "outcome": str(case.outcome),
        "reason": None if case.reason is None else str(case.reason),
        "digest": case.digest,
        "refunds": [
            {
                "charge": refund.charge,
                "invoice": refund.invoice,
                "amount_minor": refund.amount_minor,
                "refund": refund.refund,
                "status": refund.status,
            }
            for refund in case.refunds
        ],
        "movements": [
            {
                "step": movement.step,
                "customer_balance_transaction": movement.customer_balance_transaction,
                "amount_minor": movement.amount_minor,
                "ending_balance_minor": movement.ending_balance_minor,
            }
            for movement in case.movements
        ],
    }
