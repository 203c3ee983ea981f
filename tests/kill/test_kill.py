"""A small `make kill`: real processes, real kill -9, the same judge."""

import pytest

from tests.kill.__main__ import kill


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("kills", "customers", "lanes"), [(3, 16, 1), pytest.param(20, 32, 2, marks=pytest.mark.deep)])
def test_kills_lose_double_and_block_nothing(
    kills: int, customers: int, lanes: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Invariant 6, from outside; on two lanes there are two nights side by side."""
    tally, verdicts = kill(kills=kills, seed=1, customers=customers, lanes=lanes)
    assert tally.total >= kills, str(tally)
    assert all(verdict.ok for verdict in verdicts), capfd.readouterr().out
    assert all(verdict.refunds > 0 for verdict in verdicts), "a night without refunds shows nothing"
