"""`python -m tests.bench`: the command line program against a local Stripe with live limits and 200 ms an answer.

Reading order: `watched` (a process and what it costs), `night` (how fast), `memory` (how large), `startup`, `recipe`
(what a script that follows Stripe's article takes), `figures` (what is printed).
"""
