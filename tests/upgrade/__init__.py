"""A ledger that the first version left in the middle of a night is finished by this one."""
