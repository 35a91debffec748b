"""What one request leaves behind: its log line, which is also its metrics, and its audit lines."""

import logging
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from agent_sessions import clock
from agent_sessions.audit import AuditAction, AuditEntry, AuditReason
from agent_sessions.domain.models import Session
from agent_sessions.errors import AgentSessionsError, CallerError, DatabaseError
from agent_sessions.logs import create_logger, write_audit
from agent_sessions.metrics import Metric


class RequestLog:
    """Collects what a function records of a request, and writes it as one line in CloudWatch's embedded metric format.

    Args:
        level: Minimum level of log lines. Above INFO, only the metrics are written. Audit lines always are.
    """

    def __init__(self, level: str) -> None:
        self._logger = create_logger(level)
        self._metrics = Metrics()
        self.begin("")

    def begin(self, request_id: str) -> None:
        """Start the record of a request."""
        self._started = clock.monotonic()
        self._notes: dict[str, str] = {}
        self.request_id = request_id

    def count(self, metric: Metric) -> None:
        """Count one occurrence; written with the log line of this request, whatever the log level."""
        self._metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)

    def audit(self, entry: AuditEntry) -> None:
        """Write a line that no log level silences."""
        write_audit(self._logger, entry, self.request_id)

    def note(self, **names: str) -> None:
        """Add owner, agent_id or session_id to the log line of this request."""
        self._notes.update(names)

    def note_session(self, session: Session) -> None:
        """Add the handle of a session, its agent and its owner to the log line of this request."""
        self.note(owner=session.owner, agent_id=session.agent_id, session_id=session.session_id)

    def record_error(self, error: Exception) -> None:
        """Count and write down an error, unless it is one that callers cause."""
        if isinstance(error, DatabaseError):
            self.count(Metric.DATABASE_ERRORS)
            self._logger.warning("database error", operation=error.operation, cause=type(error.__cause__).__name__)
        elif isinstance(error, CallerError):
            self.audit(AuditEntry(action=AuditAction.REFUSE, owner=None, reason=AuditReason.NO_CALLER))
        elif not isinstance(error, AgentSessionsError):
            self._logger.exception("bug")

    def write(self, **line: Any) -> None:
        """Write the line of the request together with its metrics; above INFO, only the metrics."""
        if self._logger.log_level > logging.INFO:
            if self._metrics.metric_set:
                self._metrics.flush_metrics()
            return
        line["duration_ms"] = round((clock.monotonic() - self._started) * 1000, 1)
        line["request_id"] = self.request_id
        line |= self._notes
        if self._metrics.metric_set:
            line |= self._metrics.serialize_metric_set()
            self._metrics.clear_metrics()
        self._logger.info("request", extra=line)
