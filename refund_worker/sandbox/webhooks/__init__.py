"""Webhooks: who listens to which event, how a delivery is signed, sent, tried again, and spoilt on request.

Reading order: `listening` (endpoints), `signing`, `delivering` (what one delivery is, and the log), `faults`,
`spoiling`, `post` (one HTTP attempt), `courier` (the queue and its threads).
"""
