"""What one request leaves behind: its log line, which is also its metrics, and its audit lines."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from agent_sessions import clock
from agent_sessions.audit import AuditAction, AuditEntry, AuditReason
from agent_sessions.domain.models import Session
from agent_sessions.errors import AgentSessionsError, CallerError, DatabaseError
from agent_sessions.logs import AUDIT, audit_fields, create_logger, line_head, write_line
from agent_sessions.metrics import Metric
from agent_sessions.settings import Settings, aws_variables

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


class RequestLog:
    """Collects what a function records of a request, and writes it as one line in CloudWatch's embedded metric format.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

    Args:
        settings: The minimum level of log lines: above INFO, only the metrics are written. Audit lines always are.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._writes_lines = settings.log_level in ("DEBUG", "INFO")
        self.counts: dict[str, int] = {}
        self.begin("")

    @cached_property
    def _logger(self) -> "Logger":
        """The logger of failures, which are rare; importing it takes a tenth of a start."""
        return create_logger(self._settings.log_level)

    def begin(self, request_id: str) -> None:
        """Start the record of a request."""
        self._started = clock.monotonic()
        self._notes: dict[str, str] = {}
        self.request_id = request_id

    def count(self, metric: Metric) -> None:
        """Count one occurrence; written with the log line of this request, whatever the log level."""
        self.counts[metric] = self.counts.get(metric, 0) + 1

    def audit(self, entry: AuditEntry) -> None:
        """Write a line that no log level silences."""
        write_line(self._head(AUDIT, "audit") | audit_fields(entry) | {"request_id": self.request_id})

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
        metrics = self._metrics()
        if self._writes_lines:
            line["duration_ms"] = round((clock.monotonic() - self._started) * 1000, 1)
            line["request_id"] = self.request_id
            write_line(self._head("INFO", "request") | line | self._notes | metrics)
        elif metrics:
            write_line(metrics)

    def _head(self, level: str, message: str) -> dict[str, Any]:
        return line_head(level, message, self._settings.service_name, aws_variables().get("_X_AMZN_TRACE_ID"))

    def _metrics(self) -> dict[str, Any]:
        if not self.counts:
            return {}
        metrics = {
            "Namespace": self._settings.metrics_namespace,
            "Dimensions": [["service"]],
            "Metrics": [{"Name": name, "Unit": "Count"} for name in self.counts],
        }
        directive = {"Timestamp": clock.milliseconds(), "CloudWatchMetrics": [metrics]}
        counts, self.counts = self.counts, {}
        return {"_aws": directive, "service": self._settings.service_name, **counts}
