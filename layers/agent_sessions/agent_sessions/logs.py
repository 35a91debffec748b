"""Log lines of the functions: one JSON object each.

What every request writes is written here. Rare lines, about failures, go through Powertools' Logger.
"""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agent_sessions import clock
from agent_sessions.audit import AuditEntry

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

# ASCII, so that no name of an owner can end a log line or control the terminal that shows it.
LOG_LINE = json.JSONEncoder(default=str, separators=(",", ":")).encode

# Above every level that the setting can choose. Lambda treats a level that it does not know as INFO.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
AUDIT = "AUDIT"

# So that a line stays far below the limit of CloudWatch Logs, however many sessions one request ends.
MAX_HANDLES = 100


def write_line(fields: Mapping[str, Any]) -> None:
    """Write one line to standard output, from where Lambda takes it; fields that are None are left out."""
    sys.stdout.write(LOG_LINE({name: value for name, value in fields.items() if value is not None}) + "\n")
    sys.stdout.flush()


def line_head(level: str, message: str, service: str, trace: str | None) -> dict[str, Any]:
    """Return the fields with which Powertools begins a line; Lambda reads level and timestamp.

    Args:
        level: The level.
        message: The kind of line.
        service: Name of the deployment.
        trace: What Lambda says of the request's trace, ``Root=1-…;Parent=…;Sampled=1``, if anything. Of requests that
            are not sampled, X-Ray keeps no trace to look up, so their lines do not name one.
    """
    now = datetime.fromtimestamp(clock.milliseconds() / 1000, UTC)
    return {
        "level": level,
        "message": message,
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "service": service,
        "xray_trace_id": _sampled_trace_id(trace) if trace else None,
    }


def _sampled_trace_id(trace: str) -> str | None:
    fields = dict(field.split("=", 1) for field in trace.split(";") if "=" in field)
    return fields.get("Root") if fields.get("Sampled") == "1" else None


def audit_fields(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry as the fields of a line. ``number`` counts the sessions; the line names at most 100."""
    return {
        "action": entry.action,
        "owner": entry.owner,
        "agent_id": entry.agent_id,
        "number": len(entry.session_ids),
        "session_ids": list(entry.session_ids[:MAX_HANDLES]),
        "reason": entry.reason,
    }


def create_logger(level: str) -> "Logger":
    """Return the logger of this function, which writes lines of this level and above to standard output.

    Lambda's own ``ApplicationLogLevel`` would override the level of a Powertools logger. It stays at INFO, below which
    Lambda might drop lines; metrics are lines without a level, which Lambda treats as INFO.
    """
    import logging

    from aws_lambda_powertools import Logger

    # `str`: Powertools would try to read every message as JSON.
    logger = Logger(json_serializer=LOG_LINE, json_deserializer=str, use_rfc3339=True, utc=True, location=None)
    logging.getLogger(logger.name).setLevel(level)
    return logger
