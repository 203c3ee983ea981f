"""A fresh sandbox for each test, and clients for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
import stripe

from refund_worker.sandbox import Sandbox, SandboxServer
from tests.sandbox.shop import KEY, Shop, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def shop(sandbox: Sandbox) -> Shop:
    return Shop(sandbox)


@pytest.fixture
def wire(sandbox: Sandbox) -> Wire:
    return Wire(sandbox)


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    with SandboxServer(sandbox) as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Iterator[stripe.StripeClient]:
    """The real stripe-python, over HTTP."""
    with requests.Session() as session:
        yield stripe.StripeClient(
            KEY,
            base_addresses={"api": server.base_url},
            max_network_retries=0,
            http_client=stripe.RequestsClient(session=session, timeout=10),
        )
