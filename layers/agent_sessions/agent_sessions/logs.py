"""Log lines of the functions: one JSON object each, at a level that the setting decides."""

import json
import logging

from aws_lambda_powertools import Logger

from agent_sessions.audit import AuditEntry

# ASCII, so that no name of an owner can end a log line or control the terminal that shows it.
LOG_LINE = json.JSONEncoder(default=str, separators=(",", ":")).encode

# No line shows a thread, a process, a task or a place in the code, which cost a quarter of the time of a line:
# https://docs.python.org/3/howto/logging.html#optimization
for flag in ("logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks", "_srcfile"):
    setattr(logging, flag, None)

# Above every level that the setting can choose. Lambda treats a level that it does not know as INFO.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
AUDIT = logging.CRITICAL + 10
logging.addLevelName(AUDIT, "AUDIT")

# So that a line stays far below the limit of CloudWatch Logs, however many sessions one request ends.
MAX_HANDLES = 100


def create_logger(level: str) -> Logger:
    """Return the logger of this function, which writes lines of this level and above to standard output.

    Lambda's own ``ApplicationLogLevel`` would override the level of a Powertools logger. It stays at INFO, below which
    Lambda might drop lines; metrics are lines without a level, which Lambda treats as INFO.
    """
    # `str`: Powertools would try to read every message as JSON.
    logger = Logger(json_serializer=LOG_LINE, json_deserializer=str, use_rfc3339=True, utc=True, location=None)
    logging.getLogger(logger.name).setLevel(level)
    return logger


def write_audit(logger: Logger, entry: AuditEntry, request_id: str) -> None:
    """Write an entry as one line at every log level. ``number`` counts the sessions; the line names at most 100."""
    line = {
        "action": entry.action,
        "owner": entry.owner,
        "agent_id": entry.agent_id,
        "number": len(entry.session_ids),
        "session_ids": list(entry.session_ids[:MAX_HANDLES]),
        "reason": entry.reason,
        "request_id": request_id,
    }
    # Powertools types no method for a level of one's own.
    logging.getLogger(logger.name).log(AUDIT, "audit", extra=line)
