"""What was read from Stripe, as frozen values. Amounts are integer minor units; times are epoch seconds.

Only the fields the decisions need. The gateway makes these; nothing else knows Stripe's JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The Stripe account and mode a key belongs to."""

    id: str
    livemode: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer. `credit_minor` is what we owe: positive = credit, negative = the customer owes.

    It is `-customer.balance`, flipped here and nowhere else. `other_credits` holds `invoice_credit_balance` entries of
    currencies other than `currency` that are not zero, with Stripe's documented sign (positive = credit).

    Attributes:
        credit_balances: `invoice_credit_balance` as Stripe gives it: every currency's, the default one's too, zeros
            too, positive = credit. Empty where it was not given: then nothing is known from it.
    """

    id: str
    created: int = 0
    currency: str | None = None
    credit_minor: int = 0
    deleted: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    other_credits: Mapping[str, int] = field(default_factory=dict)
    credit_balances: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerBalanceTransaction:
    """A movement on the customer's balance, with Stripe's sign: negative = credit, positive = debit."""

    id: str
    customer: str
    created: int
    amount_minor: int
    currency: str
    ending_balance_minor: int
    type: str
    invoice: str | None = None
    credit_note: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """A line of an invoice. `amount_minor` is before discount and exclusive tax; negative = credit.

    Attributes:
        subscription: As the line names it, or as `domain.attribution` found it.
        inclusive_tax_minor: Tax that `amount_minor` contains, with its sign.
        price: The price it bills or credits; None where there is none.
        product: What is sold at that price; None where there is none.
    """

    id: str
    amount_minor: int
    discount_minor: int = 0
    exclusive_tax_minor: int = 0
    inclusive_tax_minor: int = 0
    proration: bool = False
    subscription: str | None = None
    invoice_item: str | None = None
    period_start: int = 0
    period_end: int = 0
    credited_invoice: str | None = None
    price: str | None = None
    product: str | None = None
    quantity: int | None = None

    @property
    def tax_minor(self) -> int:
        """All tax of the line, included or on top, with its sign."""
        return self.exclusive_tax_minor + self.inclusive_tax_minor

    @property
    def net_minor(self) -> int:
        """Net of discount, with tax: what the line adds to the invoice's total."""
        return self.amount_minor - self.discount_minor + self.exclusive_tax_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePayment:
    """A payment of an invoice. `type`: payment_intent, charge, payment_record or a newer word."""

    id: str
    status: str
    amount_paid_minor: int
    type: str
    payment_intent: str | None = None
    charge: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice with all its lines and payments. `status`: draft, open, paid, uncollectible, void."""

    id: str
    status: str
    created: int
    currency: str
    total_minor: int
    subscription: str | None = None
    automatic_tax: bool = False
    auto_advance: bool = False
    automatically_finalizes_at: int | None = None
    billing_reason: str | None = None
    lines: tuple[InvoiceLine, ...] = ()
    payments: tuple[InvoicePayment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund of a charge.

    Attributes:
        status: pending, requires_action, succeeded, failed or canceled.
        failure_reason: Stripe's word for why it failed; None where it did not, or was canceled.
    """

    id: str
    charge: str
    amount_minor: int
    currency: str
    status: str
    created: int
    failure_reason: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def stands(self) -> bool:
        """Money went back or may still go back: everything but failed and canceled."""
        return self.status not in {"failed", "canceled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute or inquiry about a charge, read only where the charge says that it was disputed.

    Attributes:
        amount_minor: Disputed, positive.
        status: warning_needs_response, warning_under_review, warning_closed (inquiries), needs_response, under_review,
            won, lost, prevented or a newer word.
        refundable: Stripe's `is_charge_refundable`: the payment can still be refunded.
    """

    id: str
    charge: str
    amount_minor: int
    status: str
    refundable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A charge with all its refunds.

    Attributes:
        disputed: It has been disputed at some time, whatever came of it (Stripe never takes that back).
        connect: A transfer, an application fee or another account is involved.
        disputes: What was read of its disputes; empty where none was, or where they were not read.
    """

    id: str
    created: int
    currency: str
    status: str
    captured: bool
    captured_minor: int
    refunded_minor: int
    disputed: bool
    payment_intent: str | None = None
    method: str = "unknown"
    connect: bool = False
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()

    @property
    def remaining_minor(self) -> int:
        """Captured and not yet refunded, zero or more (facts: `amount_captured - amount_refunded`)."""
        return max(0, self.captured_minor - self.refunded_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingItem:
    """An invoice item that no invoice has taken yet; `amount_minor` negative = credit, before exclusive tax.

    Attributes:
        subscription: As the item names it, or as `domain.attribution` found it.
        exclusive_tax: One of its own tax rates comes on top of the amount.
        deferred: It has invoicing rules: no invoice takes it until they hold (`defer_until_credited_items_resolved`).
        credited_invoice: Whose time it credits, where Stripe says so (`proration_details.credited_items`).
        record: What `POST /v1/invoiceitems` needs to make it again, by Stripe's names; plain JSON values.
    """

    id: str
    customer: str
    amount_minor: int
    currency: str
    subscription: str | None = None
    proration: bool = False
    exclusive_tax: bool = False
    deferred: bool = False
    period_start: int = 0
    period_end: int = 0
    price: str | None = None
    product: str | None = None
    quantity: int | None = None
    credited_invoice: str | None = None
    record: Mapping[str, object] = field(default_factory=dict)


class ItemState(StrEnum):
    """Where an invoice item is now."""

    PENDING = "pending"
    ATTACHED = "attached"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemNow:
    """An invoice item as it is now. `item` is None where it is gone (deleted); attached: on an invoice, or a draft."""

    id: str
    state: ItemState
    item: PendingItem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionItem:
    """One thing that a subscription bills, at the newest price; its period in epoch seconds, None where not told."""

    price: str | None = None
    product: str | None = None
    quantity: int | None = None
    period_start: int | None = None
    period_end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription, read only where a decision needs it.

    Attributes:
        status: incomplete, incomplete_expired, trialing, active, past_due, canceled, unpaid or paused.
        exclusive_tax: Its invoices add tax on top (default tax rates that are exclusive, or automatic tax).
        ended_at: When it ended, epoch seconds; None while it goes on.
    """

    id: str
    customer: str
    status: str
    exclusive_tax: bool = False
    ended_at: int | None = None
    items: tuple[SubscriptionItem, ...] = ()

    @property
    def ended(self) -> bool:
        """It will never be invoiced again."""
        return self.status in {"canceled", "incomplete_expired"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementAnswer:
    """Stripe's answer to a customer balance transaction of ours."""

    transaction: CustomerBalanceTransaction
    request_id: str | None
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAnswer:
    """Stripe's answer to a refund of ours."""

    refund: Refund
    request_id: str | None
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionAnswer:
    """Stripe's answer to a deletion of ours."""

    item: str
    request_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFacts:
    """Everything read of one customer before a decision: the three lists, and what they pointed to.

    `transactions` are newest first, as far back as provenance needs them; `complete` says that the oldest one is the
    customer's first. `read_at` is when the balance transactions were read, the last of the three lists.

    Attributes:
        subscriptions: By id; those that were read: of pending items; all under `while_active = "leave"`, and where a
            proration names none.
        items_now: By id, read after the balance transactions: the items that a conversion of ours names and that some
            lot of it is left of (`domain.conversions`).
    """

    customer: Customer
    invoices: tuple[Invoice, ...]
    charges: tuple[Charge, ...]
    transactions: tuple[CustomerBalanceTransaction, ...]
    pending_items: tuple[PendingItem, ...]
    read_at: int
    complete: bool = False
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    items_now: Mapping[str, ItemNow] = field(default_factory=dict)
