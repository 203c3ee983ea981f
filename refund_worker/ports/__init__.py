"""All the program can do to the world: Stripe, the ledger, the queue, the rate limiter, the clock."""

from refund_worker.ports.ledger import Ledger, LedgerWriter
from refund_worker.ports.queue import WorkQueue
from refund_worker.ports.stripe_gateway import StripeGateway
from refund_worker.ports.surroundings import Calendar, Clock, RateLimiter

__all__ = ["Calendar", "Clock", "Ledger", "LedgerWriter", "RateLimiter", "StripeGateway", "WorkQueue"]
