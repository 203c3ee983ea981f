"""The queue's contract on every database, its races between processes, and the ledger before it."""
