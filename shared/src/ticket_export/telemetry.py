"""Structured logs: one JSON object a line, or coloured lines for people; never a secret, never a raw control code."""

import logging
import sys
from collections.abc import MutableMapping
from textwrap import indent
from typing import Any, Literal

import structlog

# FastStream gives loggers of its own name a handler of its own form; it leaves this one alone.
CLIENT_LOGGER = "ticket_export.kafka_client"

# Control codes, other line ends than LF, and marks that turn the direction of writing.
_STEERING = (
    *range(32),
    *range(127, 160),
    0x2028,
    0x2029,
    0x061C,
    0x200E,
    0x200F,
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
)
_ONE_LINE = {code: ascii(chr(code))[1:-1] for code in _STEERING}
_MANY_LINES = {code: escape for code, escape in _ONE_LINE.items() if chr(code) != "\n"}

# Local variables stay out of the log: they hold tokens, links and addresses with passwords.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))


def _escape_steering(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # Names that users chose reach the console: an ANSI code in one must not, nor a line end that forges a record.
    # JSON escapes by itself.
    escaped = {key: value.translate(_ONE_LINE) if isinstance(value, str) else value for key, value in event.items()}
    if "exception" in event:
        escaped["exception"] = indent(event["exception"].translate(_MANY_LINES), "  ")
    return escaped


def _console() -> list[structlog.typing.Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    return [structlog.processors.format_exc_info, _escape_steering, renderer]


def configure_logging(service: str, *, level: str, form: Literal["json", "console"]) -> None:
    """Send structlog's and the standard library's records to standard error in one form."""
    renderer: list[structlog.typing.Processor] = (
        [_TRACEBACKS, structlog.processors.JSONRenderer()] if form == "json" else _console()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("aiokafka", "uvicorn.access", "asyncio", "faststream", CLIENT_LOGGER):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.contextvars.bind_contextvars(service=service)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger; give it an ``action=`` with every record."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
