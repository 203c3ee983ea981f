"""Logs: one line an event on standard error, in which no key, password, token or e-mail address appears."""

import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

SECRET_NAMES: Final = frozenset(
    {"api_key", "authorization", "client_secret", "database_url", "password", "secret", "stripe_api_key", "token"}
)
# In this order: an address with a password looks like an e-mail address too.
_SECRETS: Final = (
    (re.compile(r"""([A-Za-z][A-Za-z0-9+.-]*://)[^\s'"<>]*@"""), r"\1[credentials]@"),
    (re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?(?:basic|bearer)?\s*)[^\s'\",;}]+"), r"\1[key]"),
    (re.compile(r"(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{8,}"), r"\1[key]"),
    (re.compile(r"(?<![A-Za-z])(?:sk|rk|pk|ek|whsec)_[A-Za-z0-9_*.+/=%-]+"), "[key]"),
    # The same in base64, as Basic authentication sends it: c2tf = sk_, cmtf = rk_.
    (re.compile(r"\b(?:c2tf|cmtf)(?:bGl2|dGVz)[A-Za-z0-9+/=_-]*"), "[key]"),
    (re.compile(r"(?i)((?:password|passwd|secret|api_key)['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;}]+"), r"\1[secret]"),
    (re.compile(r"""[^\s@<>"',;:()\[\]{}=]+(?:@|%40)[^\s@<>"',;:()\[\]{}]+"""), "[e-mail]"),
)
# An escape sequence or a carriage return in a name could repaint the terminal of whoever reads the log.
_CONTROLS: Final = {code: "�" for code in [*range(32), *range(127, 160)] if chr(code) not in "\n\t"}


_known: set[str] = set()


def keep_secret(words: Iterable[str]) -> None:
    """Never show these words from now on: what this process was given, whatever it looks like.

    A password that is itself the name of a secret is left to the patterns, which need that name to find the others.
    """
    _known.update(word for word in words if word.lower() not in SECRET_NAMES)


def redact(text: str) -> str:
    """Return the text without keys, passwords, tokens, e-mail addresses and control characters."""
    for word in sorted(_known, key=len, reverse=True):
        text = text.replace(word, "[secret]")
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text.translate(_CONTROLS)


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Redact every value of a log event, however deep; a structlog processor."""
    return {redact(str(name)): _redacted(value, name=str(name)) for name, value in event.items()}


def _redacted(value: object, *, name: str = "") -> object:
    if name.lower() in SECRET_NAMES and value is not None:
        return "[secret]"
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact(value)
        case Mapping():
            return {redact(str(key)): _redacted(content, name=str(key)) for key, content in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted(content) for content in value]
        case _:
            return redact(repr(value))


class _StandardError(logging.StreamHandler[TextIO]):
    """Ours, so that configuring twice replaces it and leaves the handlers of others alone."""


def configure_logging(*, json: bool, stream: TextIO) -> None:
    """Send every log event, the libraries' warnings and Python's own to one stream.

    Args:
        json: One JSON object a line; otherwise a line for people.
        stream: Standard error: standard output belongs to the answer.
    """
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[*common, redact_event, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = _StandardError(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact_event, renderer],
        )
    )
    root = logging.getLogger()
    for earlier in [one for one in root.handlers if isinstance(one, _StandardError)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def bind_run(*, run: str, **more: str) -> AbstractContextManager[None]:
    """Put the run's id, and whatever else is given, on each event logged by this thread inside the block."""
    return structlog.contextvars.bound_contextvars(run=run, **more)
