"""`POST /webhooks/stripe`: what is kept, what is dropped, what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.deliveries import body_of, event, signature
from tests.web.ledgers import Web, file_url, web


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Web]:
    """The application on a ledger of its own."""
    with web(file_url(tmp_path)) as running:
        yield running


def test_a_signed_event_stands_in_the_inbox(shop: Web) -> None:
    """Received, answered 200, kept with its ids and without its payload."""
    body = body_of(event())
    answer = shop.asked.post(body, signature(body))
    assert (answer.status, shop.received) == (200, ["evt_1"])
