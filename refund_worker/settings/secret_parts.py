"""Which words of an address are secret."""

import re
from typing import Final
from urllib.parse import unquote

# A shorter word is one of every second line: hiding it would make the log unreadable and protect nothing.
SECRET_LENGTH_MIN: Final = 6

_NO_SECRETS: Final = frozenset({"127.0.0.1", "localhost"})
_PASSWORD = re.compile(r"://(?P<user>[^:/@?#]*)(?::(?P<password>[^@/]*))?@")


def secret_parts(address: str, *, whole: bool) -> frozenset[str]:
    """The words of an address that must not be shown, as they stand and decoded.

    Args:
        whole: The address is a secret in all its parts (that of a Slack hook holds its token in the path); else only
            its password is, or its user where it has no password (the key of a Sentry DSN).
    """
    if whole:
        _, _, rest = address.partition("://")
        words = {address, rest, *re.split(r"[/:@?&=#,]+", rest)} - _NO_SECRETS
    else:
        found = _PASSWORD.search(address)
        words = {found["password"] or found["user"]} if found else set()
    return frozenset(words | {unquote(word) for word in words})
