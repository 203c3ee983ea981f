"""The processes that stay: worker and beat, with real servers, as their users start and stop them."""
