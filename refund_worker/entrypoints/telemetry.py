"""Sentry and OpenTelemetry, where they are asked for and installed. Neither is told names, values or secrets.

Both are optional extras: a variable that asks for one that is not installed is told in one line, and work goes on.
"""

# ruff: noqa: PLC0415  what is not asked for is not loaded, and may not be installed

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import structlog

from refund_worker.observability import redact_event
from refund_worker.settings import Settings

log = structlog.get_logger("refund_worker")

_reporters: list[Callable[[str, Exception | None], None]] = []
_tracers: list[Any] = []


def report(said: str, error: Exception | None = None) -> None:
    """Tell Sentry of a bug, or of a case that failed by one; nothing where it is not asked for."""
    for tell in _reporters:
        tell(said, error)


def span(name: str) -> AbstractContextManager[Any]:
    """A span around what is done in the block; nothing where no traces are asked for."""
    return _tracers[0].start_as_current_span(name) if _tracers else nullcontext()


def begin_telemetry(settings: Settings, *, role: str) -> None:
    """Start what the environment asks for."""
    if settings.sentry_dsn is not None:
        _begin_sentry(settings.sentry_dsn, role=role)
    if settings.otlp_endpoint is not None:
        _begin_traces(role=role)


def _begin_sentry(dsn: str, *, role: str) -> None:
    try:
        import sentry_sdk
    except ImportError:
        log.warning("sentry_missing", advice="SENTRY_DSN is set, but the extra is not installed: refund-worker[sentry]")
        return
    sentry_sdk.init(
        dsn=dsn,
        # Errors only, no personal data (the default): no request, no variable of a frame, no source, no breadcrumb.
        default_integrations=True,
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        server_name=role,
        before_send=_scrubbed,
    )

    def tell(said: str, error: Exception | None) -> None:
        if error is None:
            sentry_sdk.capture_message(said, level="error")
        else:
            sentry_sdk.capture_exception(error)

    _reporters[:] = [tell]


def _scrubbed(event: Any, _hint: Any) -> Any:
    """The same redaction as the log's, however deep."""
    return redact_event(None, "", dict(event))


def _begin_traces(*, role: str) -> None:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning(
            "opentelemetry_missing",
            advice="OTEL_EXPORTER_OTLP_ENDPOINT is set, but the extra is not installed: refund-worker[opentelemetry]",
        )
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"refund-worker-{role}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracers[:] = [provider.get_tracer("refund_worker")]
