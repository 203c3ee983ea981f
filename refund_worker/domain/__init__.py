"""The domain decides: frozen values in, frozen values out. No I/O, no clock, no vendor, no float.

The words of this program, in code, tables, log events, commands and reports alike:

| word | means | Stripe object, sign, unit |
|---|---|---|
| credit | what the company owes a customer; we hold it positive | `-customer.balance` when that is negative |
| lot | a part of the credit with one origin | a customer balance transaction, or a part of one |
| customer balance transaction | a movement on the customer's balance | negative = credit, positive = debit |
| balance transaction | a movement on our own Stripe account (`txn_`) | never short for the row above |
| charge, refund | a payment that can give money back; money going back over one charge | `ch_`, `re_` |
| run | one pass: nightly, on demand, or by hand | - |
| case | one customer's credit in one currency within a run, with its plan and outcome | - |
| plan, digest | a case's planned refunds; the SHA-256 of what they rest on: what a person approves | - |
| step | one write to Stripe: reserve, refund, give_back, recredit | has an idempotency key |
| attempt | one try of a step; grows only after a definite no | in the key |
| mark | which step of which case wrote it; a mark's rest is what is still reserved | metadata |
| live | from the reserve's intent until every refund is accepted and the give-back is recorded | - |
| hold, release | not done without a person; a named person lets it through | - |
| confirm | learn the final outcome of a refund | webhook or poll |
| close | end a case | - |
| sweep | read all customers | - |
| audit entry | one append-only, hash-chained row: who, what, when, how much, why | - |
| difference | our ledger and Stripe disagree; has a kind | - |
| unknown | sent, no answer: it may have happened | a state, not an error |
| owed | a customer is short and the credit cannot be given back (deleted) | pay by hand |

How a plan comes about: `movements` reads each customer balance transaction, `window` finds how far back to go,
`origins` splits a credit, `lot_book` and `provenance` replay the lots, `refundable` asks the policy, `charges` and
`allocation` find where the money can go back, `guards` and `traces` hold what cannot be judged, `planning` puts it
together.
"""
