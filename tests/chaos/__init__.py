"""`python -m tests.chaos`: a thousand `kill -9` of real workers, and every fault of the servers around them.

`tests/kill` ends the command line; this one ends Celery workers of two deployments on one account while Redis and
PostgreSQL freeze, lose and restart, messages and webhooks come twice, late or never, and a day passes. Judged from the
sandbox's books. Reading order: `people` (who cancels), `doors` (which worker asks), `zygote` and `workers` (processes),
`deployment`, `stage`, `killer`, `faults` (what is done to them), `story` (all of it together), `restored`, `verdict`.
"""
