"""Where and how refund-worker is run."""
