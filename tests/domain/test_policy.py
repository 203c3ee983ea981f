"""The defaults of a policy, in every currency's minor unit; and what its digest tells apart."""

import pytest

from refund_worker.domain.policy import Policy

LIMITS = """
usd |  50_000 | 25_000_000
jpy |     500 |    250_000
kwd | 500_000 | 250_000_000
isk |  50_000 | 25_000_000
"""


@pytest.mark.parametrize("line", LIMITS.strip().splitlines())
def test_the_limits_are_the_same_face_value_everywhere(line: str) -> None:
    """500.00 a case and 250,000.00 a run: currency | case | run."""
    currency, case, run = (part.strip() for part in line.split("|"))
    assert (Policy().case_limit(currency), Policy().run_limit(currency)) == (int(case), int(run))
    assert Policy().minimum(currency) == 0


def test_a_named_currency_has_its_own_limits() -> None:
    """The others keep the default."""
    policy = Policy(case_limit_minor={"eur": 7}, run_limit_minor={"eur": 8}, minimum_minor={"eur": 9})
    assert (policy.case_limit("eur"), policy.run_limit("eur"), policy.minimum("eur")) == (7, 8, 9)
    assert (policy.case_limit("usd"), policy.run_limit("usd"), policy.minimum("usd")) == (50_000, 25_000_000, 0)


def test_the_digest_tells_policies_apart() -> None:
    """Any other rule is another digest; the same rules are the same."""
    policies = [Policy(), Policy(quiet_hours=23), Policy(credit_since=0), Policy(stripe_tax="refund")]
    assert len({policy.digest() for policy in policies}) == len(policies)
    assert Policy().digest() == Policy(excluded_customers=frozenset()).digest()
