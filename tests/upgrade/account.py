"""The account that the ledger belongs to, as the sandbox remembered it at the moment the ledger was left."""

import gzip
import json
from pathlib import Path

from refund_worker.sandbox import Sandbox
from refund_worker.sandbox.idempotency import Stored

_KEPT = Path(__file__).with_name("sandbox.json.gz")


def account() -> tuple[Sandbox, dict[str, str]]:
    """The account, and its customers by the moment in which their cases were left."""
    kept = json.loads(gzip.decompress(_KEPT.read_bytes()))
    sandbox = Sandbox(seed=kept["seed"], now=kept["now"], renewals=False)
    for kind, fields, hidden in kept["records"]:
        sandbox.world.store.insert(kind, fields, hidden)
    sandbox.world.ids.objects, sandbox.world.ids.requests = kept["objects"], kept["requests"]
    for at, _, kind, arguments in kept["due"]:
        sandbox.world.clock.schedule(at, kind, *arguments)
    for key, ((method, path, parameters), since, status, body, request) in kept["keys"].items():
        asked = (method, path, tuple((name, value) for name, value in parameters))
        sandbox.idempotency._stored[key] = Stored(asked, since, status, body.encode(), request)
    return sandbox, kept["customers"]
