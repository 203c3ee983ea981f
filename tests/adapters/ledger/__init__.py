"""The ledger's contract, its trail, its failures."""
