"""`python -m tests.bench.deliverer PORT RATE SECONDS`: sends webhooks at fixed times, whether answers come or not.

Each delivery's time counts from when it was to be sent, not from when there was a connection for it: a server that
stands still is not flattered. Prints one JSON object.
"""

import asyncio
import json
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

from tests.web.deliveries import body_of, event, signature

# Of ten deliveries: new ones, the one before once more, and what does not matter.
MIX = ("new", "new", "new", "doubled", "new", "irrelevant", "new", "doubled", "new", "irrelevant")
# An invoice of a few lines: what Stripe sends is some kilobytes, mostly of no use here.
_LINES = [{"id": f"il_{n}", "object": "line_item", "amount": 1_000 + n, "description": "x" * 200} for n in range(16)]
_LEAD_S = 1.0


@dataclass(slots=True)
class Sent:
    """What became of the deliveries."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    late_s: float = 0.0


def requests(count: int) -> list[tuple[str, bytes]]:
    """Signed requests, ready to be written to a connection."""
    made: list[tuple[str, bytes]] = []
    newest = b""
    for number in range(count):
        what = MIX[number % len(MIX)]
        if what != "doubled":
            newest = _request(irrelevant=what == "irrelevant")
        made.append((what, newest))
    return made


def _request(*, irrelevant: bool) -> bytes:
    about = {"id": "in_1", "object": "invoice", "customer": f"cus_{uuid.uuid4().hex[:14]}", "lines": {"data": _LINES}}
    kind = "charge.succeeded" if irrelevant else "invoice.finalized"
    body = body_of(event(f"evt_{uuid.uuid4().hex}", kind=kind, data={"object": about}))
    return (
        f"POST /webhooks/stripe HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Stripe/1.0\r\n"
        f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"Stripe-Signature: {signature(body)}\r\n\r\n"
    ).encode() + body


async def deliver(*, port: int, rate: int, seconds: int) -> Sent:
    """Deliver at fixed times; connections are kept and made as needed."""
    made = requests(rate * seconds)
    sent, idle = Sent(), list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()
    begin = time.perf_counter() + _LEAD_S
    tasks: list[asyncio.Task[None]] = []
    for number, (what, request) in enumerate(made):
        due = begin + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        sent.late_s = max(sent.late_s, time.perf_counter() - due)
        sent.sent[what] += 1
        tasks.append(asyncio.create_task(_deliver(port, request, due=due, idle=idle, sent=sent)))
    await asyncio.gather(*tasks)
    for _, writer in idle:
        writer.close()
    return sent


async def _deliver(
    port: int,
    request: bytes,
    *,
    due: float,
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    sent: Sent,
) -> None:
    reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    sent.seconds.append(time.perf_counter() - due)
    sent.statuses[int(head.split(b" ", 2)[1])] += 1
    idle.append((reader, writer))


def main() -> None:
    """Deliver, and print what became of it."""
    port, rate, seconds = (int(word) for word in sys.argv[1:])
    sent = asyncio.run(deliver(port=port, rate=rate, seconds=seconds))
    print(
        json.dumps(
            {
                "seconds": sorted(sent.seconds),
                "statuses": {str(status): count for status, count in sent.statuses.items()},
                "sent": sent.sent,
                "late_s": sent.late_s,
            }
        )
    )


if __name__ == "__main__":
    main()
