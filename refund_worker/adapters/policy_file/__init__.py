"""policy.toml: read and checked into a `Policy`, and shown again. docs/policy.toml.example explains each key."""

from refund_worker.adapters.policy_file.reading import PolicyError, load_policy
from refund_worker.adapters.policy_file.showing import show_policy

__all__ = ["PolicyError", "load_policy", "show_policy"]
