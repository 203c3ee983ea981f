"""The closed list of reason codes. Every hold, skip and unfinished case has one; docs/reason-codes.md explains each."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a case was not refunded, or not in full."""

    # held: a person must act, or the policy must change
    ABOVE_LIMIT = "above_limit"
    AUTOMATIC_TAX = "automatic_tax"
    BALANCE_DISAGREES = "balance_disagrees"
    BANK_DEBIT_DISPUTABLE = "bank_debit_disputable"
    CONVERSION_UNFINISHED = "conversion_unfinished"
    CREDITED_INVOICE_UNPAID = "credited_invoice_unpaid"
    DRAFT_INVOICE = "draft_invoice"
    EXCLUDED_CUSTOMER = "excluded_customer"
    FACTS_UNREADABLE = "facts_unreadable"
    HISTORY_INCONSISTENT = "history_inconsistent"
    MARK_UNREADABLE = "mark_unreadable"
    MULTI_CURRENCY = "multi_currency"
    OPEN_INVOICE = "open_invoice"
    ORPHAN_RESERVATION = "orphan_reservation"
    OVERDRAWN_RESERVATION = "overdrawn_reservation"
    PENDING_ITEMS = "pending_items"
    PENDING_ITEMS_DEFERRED = "pending_items_deferred"
    PENDING_ITEMS_TAXED = "pending_items_taxed"
    REFUNDED_BY_HAND = "refunded_by_hand"
    REFUNDED_OFTEN = "refunded_often"

    # skipped: nothing to refund now, and nothing for a person to decide
    BELOW_MINIMUM = "below_minimum"
    CASE_LIVE = "case_live"
    CHARGE_DISPUTED = "charge_disputed"
    CONNECT_CHARGE = "connect_charge"
    CREDIT_GONE = "credit_gone"
    CUSTOMER_DELETED = "customer_deleted"
    NO_CHARGE = "no_charge"
    NO_REFUNDABLE_CREDIT = "no_refundable_credit"
    PENDING_ITEMS_LEFT = "pending_items_left"
    REFUND_WINDOW_CLOSED = "refund_window_closed"
    SUBSCRIPTION_ACTIVE = "subscription_active"

    # why pending items were not, or not all, moved onto the balance
    ITEMS_CHANGED = "items_changed"

    # why a case that reserved ended without, or with a part of, its refunds
    CHARGE_CHANGED = "charge_changed"
    CHARGES_EXHAUSTED = "charges_exhausted"
    CLOSED_BY_MARK = "closed_by_mark"
    CREDIT_MOVED = "credit_moved"
    FUNDS_INSUFFICIENT = "funds_insufficient"
    HALTED = "halted"
    PLAN_STALE = "plan_stale"
    PERMISSION_MISSING = "permission_missing"
    REFUND_FAILED = "refund_failed"
    RESERVE_REFUSED = "reserve_refused"
    STRIPE_BUSY = "stripe_busy"
    TOO_LATE = "too_late"

    # planned and not executed
    NIGHT_UNUSUAL = "night_unusual"
    RUN_LIMIT = "run_limit"

    # unfinished, or wrong
    ANSWER_UNKNOWN = "answer_unknown"
    BUG = "bug"
    CREDIT_OWED = "credit_owed"


# What no later call of the same run could do better: the run stops.
STOPPING = frozenset({Reason.PERMISSION_MISSING, Reason.FUNDS_INSUFFICIENT})
