"""Gives Stripe customers their credit back.

An ENTRYPOINT wakes a USE CASE, which asks the DOMAIN to decide and tells a PORT to act; an ADAPTER does it.

Reading order: `domain/__init__` (the glossary), `ports`, `domain/cases` (the states of a case),
`usecases/execute_case` (the one use case that moves money), `tests/crash/` (killed at every line, the money right).
"""
