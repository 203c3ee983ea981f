"""Generated facts, the same ones on every machine and in every run."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "same_everywhere",
    derandomize=True,
    database=None,
    deadline=None,  # a shared machine may stop for a second
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],  # for the same reason
)
settings.load_profile("same_everywhere")
