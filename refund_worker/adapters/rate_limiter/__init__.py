"""Keeps calls within Stripe's limits: in one process, or shared by all workers through Redis."""

from refund_worker.adapters.rate_limiter.choosing import Limiter, limiter_of
from refund_worker.adapters.rate_limiter.in_process import RateLimiter
from refund_worker.adapters.rate_limiter.shared import SharedRateLimiter

__all__ = ["Limiter", "RateLimiter", "SharedRateLimiter", "limiter_of"]
