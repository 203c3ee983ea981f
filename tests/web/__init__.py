"""The web process: what it receives, refuses, tells."""
