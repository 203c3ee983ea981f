"""A small `make kill`: real processes, real kill -9, the same judge."""

import pytest

from tests.kill.__main__ import kill

KILLS = 10


@pytest.mark.timeout(180)
def test_ten_kills_lose_double_and_block_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Invariant 6, from outside: two nights side by side, ten kills in all."""
    tally, verdicts = kill(kills=KILLS, seed=1, customers=20)
    assert tally.total >= KILLS, str(tally)
    assert all(verdict.ok for verdict in verdicts), capfd.readouterr().out
    assert all(verdict.refunds > 0 for verdict in verdicts), "a night without refunds shows nothing"
