"""The one door to Stripe: nothing else in the program imports the vendor's package or knows its JSON.

`StripeApi` implements `ports.StripeGateway`. Reading order: `api` (what can be asked), `calls` (how a question is sent,
paged and retried), `errors` (what a refusal means), `fields` (how an answer is read), then one file per kind of object.
"""

from refund_worker.adapters.stripe_gateway.api import API_VERSION, StripeApi
from refund_worker.adapters.stripe_gateway.probes import Endpoint, Permission

__all__ = ["API_VERSION", "Endpoint", "Permission", "StripeApi"]
