"""Stripe's own shapes and recordings, which lie beside a developer's checkout and not in it."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

_ROOT = Path(__file__).resolve().parents[2]
REFERENCE = Path(os.environ.get("REFUND_WORKER_STRIPE_REFERENCE") or _ROOT.parent / "shared" / "stripe")


def checker() -> ModuleType:
    """The shape checker; skips the test where it is absent."""
    path = REFERENCE / "check_shapes.py"
    if not path.is_file():
        pytest.skip("Stripe's shapes are not here (REFUND_WORKER_STRIPE_REFERENCE): this test needs check_shapes.py")
    spec = importlib.util.spec_from_file_location("check_shapes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recorded(name: str) -> list[dict[str, Any]]:
    """The steps of a recording; skips the test where it is absent."""
    path = REFERENCE / "recorded" / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"Stripe's recordings are not here (REFUND_WORKER_STRIPE_REFERENCE): this test needs {path.name}")
    steps: list[dict[str, Any]] = json.loads(path.read_text())["steps"]
    return steps
