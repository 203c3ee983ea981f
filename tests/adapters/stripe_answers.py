"""Answers as Stripe gives them, cut down to the keys the program reads and a few that it does not."""

from typing import Any

from tests.adapters.canned import page

REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 30,
    "charge": "ch_1",
    "created": 5,
    "currency": "usd",
    "metadata": {},
    "status": "pending",
}
CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "object": "charge",
    "amount_captured": 100,
    "amount_refunded": 30,
    "application_fee": None,
    "captured": True,
    "created": 5,
    "currency": "usd",
    "customer": "cus_1",
    "disputed": False,
    "livemode": False,
    "on_behalf_of": None,
    "payment_intent": "pi_1",
    "payment_method_details": {"type": "card", "card": {}},
    "refunds": page(REFUND),
    "status": "succeeded",
    "transfer_data": None,
}
LINE: dict[str, Any] = {
    "id": "il_1",
    "object": "line_item",
    "amount": -1000,
    "discount_amounts": [{"amount": -100, "discount": "di_1"}, {"amount": -50, "discount": "di_2"}],
    "parent": {
        "type": "subscription_item_details",
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": "ii_1",
            "proration": True,
            "proration_details": {"credited_items": {"invoice": "in_0", "invoice_line_items": ["il_0"]}},
            "subscription": "sub_1",
            "subscription_item": "si_1",
        },
    },
    "period": {"start": 10, "end": 20},
    "pretax_credit_amounts": [{"amount": -7, "type": "credit_balance_transaction"}],
    "pricing": {"type": "price_details", "price_details": {"price": "price_1", "product": "prod_1"}},
    "quantity": 2,
    "subscription": "sub_1",
    "taxes": [{"amount": -170, "tax_behavior": "exclusive"}, {"amount": -30, "tax_behavior": "inclusive"}],
}
PAYMENT: dict[str, Any] = {
    "id": "inpay_1",
    "object": "invoice_payment",
    "amount_paid": 100,
    "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
    "status": "paid",
}
INVOICE: dict[str, Any] = {
    "id": "in_1",
    "object": "invoice",
    "auto_advance": False,
    "automatic_tax": {"enabled": False},
    "automatically_finalizes_at": None,
    "billing_reason": "subscription_update",
    "created": 5,
    "currency": "usd",
    "customer": "cus_1",
    "lines": page(LINE),
    "livemode": False,
    "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
    "payments": page(PAYMENT),
    "status": "paid",
    "total": -1020,
}
CUSTOMER: dict[str, Any] = {
    "id": "cus_1",
    "object": "customer",
    "balance": -500,
    "created": 5,
    "currency": "usd",
    "invoice_credit_balance": {"usd": 500, "cad": 0},
    "livemode": False,
    "metadata": {"plan": "x"},
}
MOVEMENT: dict[str, Any] = {
    "id": "cbtxn_1",
    "object": "customer_balance_transaction",
    "amount": -500,
    "created": 5,
    "credit_note": None,
    "currency": "usd",
    "customer": "cus_1",
    "ending_balance": -500,
    "invoice": "in_1",
    "livemode": False,
    "metadata": {},
    "type": "applied_to_invoice",
}
ITEM: dict[str, Any] = {
    "id": "ii_1",
    "object": "invoiceitem",
    "amount": -5000,
    "currency": "usd",
    "customer": "cus_1",
    "customer_account": None,
    "date": 5,
    "description": "Unused time on Plan",
    "discountable": False,
    "discounts": [],
    "frozen_fields": ["pricing"],
    "invoice": None,
    "invoicing_rules": [],
    "livemode": False,
    "metadata": {"plan": "x"},
    "net_amount": -5000,
    "parent": {
        "type": "subscription_details",
        "subscription_details": {"subscription": "sub_1", "subscription_item": "si_1"},
    },
    "period": {"start": 10, "end": 20},
    "pricing": {
        "type": "price_details",
        "price_details": {"price": "price_1", "product": "prod_1"},
        "unit_amount_decimal": "10000",
    },
    "proration": True,
    "proration_details": {
        "credited_items": {
            "type": "invoice_line_items",
            "invoice_item": None,
            "invoice_line_item_details": {"invoice": "in_1", "invoice_line_items": ["il_1"]},
        },
        "discount_amounts": [],
    },
    "quantity": 1,
    "quantity_decimal": "1",
    "tax_rates": [{"id": "txr_1", "object": "tax_rate", "inclusive": True}],
}
SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_1",
    "object": "subscription",
    "automatic_tax": {"enabled": False, "disabled_reason": None, "liability": None},
    "customer": "cus_1",
    "default_tax_rates": [{"id": "txr_1", "object": "tax_rate", "inclusive": True}],
    "items": page({"id": "si_1", "object": "subscription_item", "tax_rates": []}),
    "livemode": False,
    "status": "canceled",
}
DISPUTE: dict[str, Any] = {
    "id": "dp_1",
    "object": "dispute",
    "amount": 1000,
    "charge": "ch_1",
    "is_charge_refundable": True,
    "livemode": False,
    "status": "warning_closed",
}
BALANCE: dict[str, Any] = {
    "object": "balance",
    "available": [{"amount": 700, "currency": "usd", "source_types": {"card": 700}}],
    "livemode": False,
    "pending": [{"amount": 99, "currency": "usd"}],
}
