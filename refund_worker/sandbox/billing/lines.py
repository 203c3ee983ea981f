"""Invoice lines: an amount with its discounts and taxes, and how a customer's pending items become lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from refund_worker.sandbox.money import share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from refund_worker.sandbox.store import Fields, Record
    from refund_worker.sandbox.world import World

_MILLION: Final = 1_000_000  # rates are kept in ten-thousandths of a percent


def add(
    world: World,
    *,
    invoice: Record,
    amount: int,
    description: str | None,
    parent: Fields,
    period: Fields,
    price: Mapping[str, Any] | None,
    quantity: int = 1,
    taxes: Iterable[Mapping[str, Any]] = (),
    discounts: Iterable[Mapping[str, Any]] = (),
    metadata: Mapping[str, str] | None = None,
) -> Record:
    """Add a line; `amount` is before discounts and exclusive taxes, minor units, negative for credit."""
    discount_amounts = [
        {"amount": off, "discount": rule["discount"]} for rule in discounts if (off := _off(amount, rule))
    ]
    net = amount - sum(entry["amount"] for entry in discount_amounts)
    return world.store.insert(
        "line_item",
        {
            "id": world.ids.take("il"),
            "object": "line_item",
            "amount": amount,
            "currency": invoice.fields["currency"],
            "description": description,
            "discount_amounts": discount_amounts,
            "discountable": not _is_proration(parent),
            "discounts": [],
            "invoice": invoice.id,
            "livemode": world.settings.livemode,
            "metadata": dict(metadata or {}),
            "parent": parent,
            "period": period,
            "pretax_credit_amounts": [],
            "pricing": pricing(price, proration=_is_proration(parent)),
            "quantity": quantity,
            "quantity_decimal": str(quantity),
            "subscription": (parent[parent["type"]] or {}).get("subscription"),
            "subtotal": amount,
            "taxes": [_tax(net, rate) for rate in taxes],
        },
    )


def pricing(price: Mapping[str, Any] | None, *, proration: bool) -> Fields | None:
    """What a line or invoice item says about its price; prorations name no unit amount."""
    if price is None:
        return None
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": None if proration else price["unit_amount_decimal"],
    }


def _is_proration(parent: Fields) -> bool:
    return bool((parent[parent["type"]] or {}).get("proration"))


def _off(amount: int, rule: Mapping[str, Any]) -> int:
    """What a discount takes off; of a credit it takes its share back, so the sign follows the amount."""
    if rule.get("percent") is not None:
        return share(amount, rule["percent"], _MILLION)
    return min(amount, rule["amount"]) if amount > 0 else 0


def _tax(net: int, rate: Mapping[str, Any]) -> Fields:
    inclusive = rate["inclusive"]
    base = _MILLION + rate["percent"] if inclusive else _MILLION
    amount = share(net, rate["percent"], base)
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": "portion_standard_rated",
        "taxable_amount": net - amount if inclusive else net,
        "type": "tax_rate_details",
    }


def totals(lines: Iterable[Record]) -> Fields:
    """The sums of an invoice over its lines."""
    subtotal = exclusive = inclusive = 0
    by_discount: dict[str, int] = {}
    by_rate: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        subtotal += line.fields["amount"]
        for off in line.fields["discount_amounts"]:
            by_discount[off["discount"]] = by_discount.get(off["discount"], 0) + off["amount"]
        for tax in line.fields["taxes"]:
            sums = by_rate.setdefault((tax["tax_rate_details"]["tax_rate"], tax["tax_behavior"]), [0, 0])
            sums[0] += tax["amount"]
            sums[1] += tax["taxable_amount"]
            if tax["tax_behavior"] == "exclusive":
                exclusive += tax["amount"]
            else:
                inclusive += tax["amount"]
    total = subtotal - sum(by_discount.values()) + exclusive
    return {
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inclusive,
        "total": total,
        "total_excluding_tax": total - exclusive - inclusive,
        "total_discount_amounts": [{"amount": off, "discount": name} for name, off in by_discount.items()],
        "total_taxes": [
            {
                "amount": tax,
                "tax_behavior": behavior,
                "tax_rate_details": {"tax_rate": rate},
                "taxability_reason": "portion_standard_rated",
                "taxable_amount": taxable,
                "type": "tax_rate_details",
            }
            for (rate, behavior), (tax, taxable) in by_rate.items()
        ],
    }
