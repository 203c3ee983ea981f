"""Killed or paused at every call, in every way its answer can go; judged from the sandbox's books."""
