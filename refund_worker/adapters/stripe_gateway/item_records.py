"""What is kept of an invoice item before it is deleted, so that a person can make it again."""

from refund_worker.adapters.stripe_gateway.fields import Fields
from refund_worker.adapters.stripe_gateway.invoices import price_of

# Of metadata: docs.stripe.com/metadata; of an id: docs.stripe.com/upgrades.
METADATA_ENTRIES_MAX, METADATA_KEY_MAX, METADATA_TEXT_MAX = 50, 40, 500
DESCRIPTION_MAX = 2_000
ID_MAX = 255
# A subscription item has few tax rates and discounts, and credits few lines.
LISTED_MAX = 100


def record_of(fields: Fields, *, amount_minor: int, subscription: str | None) -> dict[str, object]:
    """The record of an item: plain JSON, with bounded texts that any database stores.

    Parameters of `POST /v1/invoiceitems`, each there only where the item had it: `customer` (or `customer_account`),
    `amount`, `currency`, `description`, `discountable`, `discounts`, `metadata`, `period`, `subscription`, `tax_rates`,
    `tax_behavior`, `tax_code`. The amount is always given and exact, so a price is not: Stripe takes one or the other.
    Whether Stripe still takes the `subscription` of one that has ended is not documented: without it the next invoice
    of the customer takes the item.

    Everything under `also_read` is for people and is no parameter: `id`, `date`, `proration`, `price`, `quantity`,
    `quantity_decimal`, `unit_amount_decimal`, `subscription_item`, `invoicing_rules`, `credited_items`, and of an item
    that is not discountable, as no proration is, `gross_amount` and the `discounts` that are in the amount already.

    Args:
        fields: The item.
        amount_minor: Net of the discounts that are already known, with Stripe's sign.
        subscription: Whose it is.
    """
    discountable, discounts = fields.flag_or_false("discountable"), _ids(fields, "discounts")
    holder = "customer" if fields.present("customer") else "customer_account"
    period = fields.inner("period")
    also_read = _also_read(fields)
    if not discountable:
        also_read["discounts"] = discounts
        also_read["gross_amount"] = fields.number("amount")
    return _given({
        holder: _clean(fields.reference(holder), ID_MAX),
        "amount": amount_minor,
        "currency": _text(fields, "currency"),
        "description": _text(fields, "description", longest=DESCRIPTION_MAX),
        "discountable": discountable,
        "discounts": [{"discount": one} for one in discounts] if discountable else [],
        "metadata": _metadata(fields),
        "period": {"start": period.number("start"), "end": period.number("end")},
        "subscription": _clean(subscription, ID_MAX),
        "tax_rates": [_text(rate, "id") for rate in _first(fields, "tax_rates")],
        "tax_behavior": _text(fields, "tax_behavior"),
        "tax_code": _clean(fields.reference("tax_code"), ID_MAX),
        "also_read": _given(also_read),
    })  # fmt: skip


def _also_read(fields: Fields) -> dict[str, object]:
    parent = fields.inner_or_none("parent")
    details = parent.inner_or_none("subscription_details") if parent is not None else None
    pricing = fields.inner_or_none("pricing")
    return {
        "id": _text(fields, "id"),
        "date": fields.number_or_none("date"),
        "proration": fields.flag("proration"),
        "price": _clean(price_of(fields), ID_MAX),
        "quantity": fields.number_or_none("quantity"),
        "quantity_decimal": _text(fields, "quantity_decimal"),
        "unit_amount_decimal": _text(pricing, "unit_amount_decimal") if pricing is not None else None,
        "subscription_item": _text(details, "subscription_item") if details is not None else None,
        "invoicing_rules": [_text(rule, "type") for rule in _first(fields, "invoicing_rules")],
        "credited_items": _credited_items(fields),
    }


def _credited_items(fields: Fields) -> dict[str, object]:
    details = fields.inner_or_none("proration_details")
    credited = details.inner_or_none("credited_items") if details is not None else None
    if credited is None:
        return {}
    lines = credited.inner_or_none("invoice_line_item_details")
    return _given({
        "type": _text(credited, "type"),
        "invoice_item": _text(credited, "invoice_item"),
        "invoice": _text(lines, "invoice") if lines is not None else None,
        "invoice_line_items": _ids(lines, "invoice_line_items") if lines is not None else [],
    })  # fmt: skip


def _given(found: dict[str, object]) -> dict[str, object]:
    """What is there: neither null nor an empty list or object."""
    return {key: value for key, value in found.items() if value is not None and value not in ([], {})}


def _metadata(fields: Fields) -> dict[str, str]:
    entries = list(fields.strings("metadata").items())[:METADATA_ENTRIES_MAX]
    return {_printable(key[:METADATA_KEY_MAX]): _printable(text[:METADATA_TEXT_MAX]) for key, text in entries}


def _first(fields: Fields, key: str) -> list[Fields]:
    return [entry for entry, _ in zip(fields.each(key), range(LISTED_MAX), strict=False)]


def _ids(fields: Fields, key: str) -> list[str]:
    """The ids under a key, of objects that may be expanded."""
    found = fields.raw(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise fields.unreadable(key, expected="an array")
    ids = [entry.get("id") if isinstance(entry, dict) else entry for entry in found[:LISTED_MAX]]
    texts = [_printable(entry[:ID_MAX]) for entry in ids if isinstance(entry, str)]
    if len(texts) != len(ids):
        raise fields.unreadable(key, expected="an array of ids")
    return texts


def _text(fields: Fields, key: str, *, longest: int = ID_MAX) -> str | None:
    return _clean(fields.text_or_none(key), longest)


def _clean(text: str | None, longest: int) -> str | None:
    return None if text is None else _printable(text[:longest])


def _printable(text: str) -> str:
    """The text as every database takes it: neither NUL nor half a surrogate pair, which JSON can bring."""
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text)
