"""The second model: pending invoice items that are moved onto the customer's balance (docs/decisions/0007)."""
