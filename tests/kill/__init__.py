"""`python -m tests.kill`: hundreds of real `kill -9` of the command line, judged from the sandbox's books.

`tests/crash` stops the program in process at every call, with clocks that jump; this one ends real processes over real
sockets and a ledger on disk, with 32 cases in flight; the credit of a third of the customers waits in pending items,
and an invoice or a person takes some of them just then. Reading order: `cells` (where a kill can fall), `stories` (the
customers), `deadly` (the sandbox that kills), `program`, `trail` (the ledger as a kill left it), `nights`, `verdict`.
"""
