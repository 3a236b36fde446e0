"""Logs are events with ids as fields: one JSON object a line where LOG_JSON says so, readable lines otherwise.

`logging.getLogger(__name__).info("run claimed", extra={"run_id": 7})` anywhere; Celery's and Django's own records take the
same way. The last step before writing masks whatever is known to be secret: values of the type Secret, fields with telling
names, and texts that look like tokens, keys or passwords in addresses. A test plants such values and reads the output.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from fleet.secrets.types import MASK, Secret

TELLING = re.compile(
    r"passw|secret|token|community|passphrase|psk|wpa_key|private_key|auth_key|priv_key|encryption_key|authorization|cookie",
    re.IGNORECASE,
)
"""Names of fields whose value is nobody's business, whatever it is."""

PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"fdk_[A-Za-z0-9_-]{16,}"), MASK),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(\w+://[^\s:/@]*):[^\s/@]+@"), rf"\1:{MASK}@"),
    (re.compile(r"\bgAAAAA[A-Za-z0-9_=-]{20,}"), MASK),
    (re.compile(r"(?i)\b(passw(?:or)?d|secret|community|psk)([\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]+"), rf"\1\2{MASK}"),
)


def mask_text(text: str) -> str:
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def mask(value: Any, name: str = "") -> Any:
    """`value` as it may be written; `name` is the field it stands in."""
    if isinstance(value, Secret) or (name and TELLING.search(name)):
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {key: mask(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(item) for item in value]
    return value if isinstance(value, bool | int | float | None) else mask_text(str(value))


def without_objects(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Django hands its request or socket over with its records; method, path and status stand in the text."""
    event.pop("request", None)
    event.pop("server_time", None)
    return event


def masked(_logger: Any, _method: str, event: EventDict) -> EventDict:
    kept = {name: event[name] for name in ("_record", "_from_structlog") if name in event}
    return {**{name: mask(value, name) for name, value in event.items() if name not in kept}, **kept}


def configuration(*, as_json: bool) -> dict[str, Any]:
    """Django's LOGGING; structlog's own loggers are sent the same way."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"events": {"()": formatter, "as_json": as_json}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "events"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            # One line per task, tick or request of our own would bury what happened.
            **{
                name: {"level": "WARNING"} for name in ("celery.app.trace", "celery.beat", "celery.worker.strategy", "httpx")
            },
        },
    }


def formatter(*, as_json: bool) -> logging.Formatter:
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            without_objects,
            masked,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            renderer,
        ],
    )
