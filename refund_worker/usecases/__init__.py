"""Orchestrates: one verb per file. A use case asks the domain to decide and tells a port to act."""
