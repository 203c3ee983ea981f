"""Makes a sentence of Stripe's safe for logs and tables: one line, no key, no e-mail address."""

import re

LENGTH_MAX = 300

# Stripe masks keys in its own messages, but a sandbox, a proxy or a typing error may not.
_KEY = re.compile(r"\b(?:sk|rk|pk|ek|whsec)_[A-Za-z0-9_*.]+")
_EMAIL = re.compile(r"[^\s@<>\"',;:()]+(?:@|%40)[^\s@<>\"',;:()]+")


def one_line(text: str) -> str:
    """Return the text on one line of at most 300 characters, without keys and e-mail addresses."""
    safe = _EMAIL.sub("[e-mail]", _KEY.sub("[key]", " ".join(text.split())))
    return safe if len(safe) <= LENGTH_MAX else safe[: LENGTH_MAX - 1] + "…"
