"""`python -m tests.bench`: the program against a local Stripe with live limits and 200 ms an answer.

Reading order: `watched` (a process and what it costs), `night` (how fast), `memory` (how large), `startup`, `recipe`
(what a script that follows Stripe's article takes). Of the cluster: `surroundings` (the servers), `crew` (the
processes), `cluster`, `webhooks` and its `deliverer`, `event_to_refund`, `flat`, `discovery`; `cluster_parts` prints
what they found.
"""
