"""Count live sessions and agents, exactly or not at all; with lifecycle events, delete the expired ones."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent_sessions import aws_clients, clock
from agent_sessions.dynamodb import expired_sessions
from agent_sessions.dynamodb.client import REPORT_CLIENT_CONFIG, BotocoreTransport
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.errors import DatabaseError
from agent_sessions.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

ACTIVE_SESSIONS = "ActiveSessions"
ACTIVE_AGENTS = "ActiveAgents"

# Many expired sessions, for example after lifecycle events were turned on, must not delay the count.
MAX_SWEEP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Active:
    """The numbers of live sessions and agents at the time ``at``, in epoch seconds, and of deleted sessions."""

    at: int
    sessions: int
    agents: int
    deleted: int = 0


class ActivityReport:
    """Counts live sessions and their agents, and puts both numbers into CloudWatch.

    Args:
        tables: The tables of the deployment. IAM: ``dynamodb:Scan`` on the sessions table; with lifecycle events
            also ``dynamodb:DeleteItem``.
        cloudwatch: A CloudWatch client. IAM: ``cloudwatch:PutMetricData``.
        settings: The number of segments, the namespace and the service name.
    """

    def __init__(self, tables: Tables, cloudwatch: "CloudWatchClient", settings: Settings) -> None:
        self.tables = tables
        self._cloudwatch = cloudwatch
        self._settings = settings

    @classmethod
    def from_settings(cls, settings: Settings) -> "ActivityReport":
        """Return the report of a deployment, with clients of its own."""
        cloudwatch: CloudWatchClient = aws_clients.create_client("cloudwatch", REPORT_CLIENT_CONFIG)
        return cls(Tables.over(BotocoreTransport.connect(REPORT_CLIENT_CONFIG), settings), cloudwatch, settings)

    def run(self) -> Active:
        """Count, then put both metrics in one call.

        If any segment fails, the report raises and publishes nothing: a gap is honest, a low number is not.
        """
        active = self.count()
        self._put(active)
        return active

    def count(self) -> Active:
        """Count all segments in parallel. Memory does not grow with the table.

        With lifecycle events, each expired session on the way is deleted, so that its end is an event within the
        interval between reports; TTL may take days. What is left after a failure, or after a minute, is the next
        run's.
        """
        now = clock.now()
        segments = self._settings.report_segments
        with ThreadPoolExecutor(max_workers=segments) as pool:
            counts = list(pool.map(lambda segment: self._count_segment(now, segment, segments), range(segments)))
        sessions, agents, deleted = map(sum, zip(*counts, strict=True))
        return Active(now, sessions, agents, deleted)

    def _count_segment(self, now: int, segment: int, segments: int) -> tuple[int, int, int]:
        deleted: list[expired_sessions.Key] = []
        if self._settings.lifecycle_events:
            pages = self._sweep(now, segment, segments, deleted)
        else:
            pages = self.tables.sessions.live_session_agents(now=now, segment=segment, segments=segments)
        return *count_sessions_and_agents(pages), len(deleted)

    def _sweep(
        self, now: int, segment: int, segments: int, deleted: list[expired_sessions.Key]
    ) -> Iterator[Sequence[str]]:
        """Yield the agent_id of each live session, a page at a time, and delete the expired sessions in between."""
        table = self.tables.sessions
        until = clock.monotonic() + MAX_SWEEP_SECONDS
        for live, expired in expired_sessions.scan(table, now=now, segment=segment, segments=segments):
            yield live
            try:
                for key in expired:
                    if clock.monotonic() >= until:
                        break
                    if table.delete_expired_session(*key, now=now):
                        deleted.append(key)
            except DatabaseError:
                # The numbers need only reads, so they can still be exact.
                until = clock.monotonic()

    def _put(self, active: Active) -> None:
        self._cloudwatch.put_metric_data(
            Namespace=self._settings.metrics_namespace,
            MetricData=[
                {
                    "MetricName": name,
                    # The counted metrics have the same dimension, so each deployment has one series.
                    "Dimensions": [{"Name": "service", "Value": self._settings.service_name}],
                    "Timestamp": datetime.fromtimestamp(active.at, UTC),
                    "Value": value,
                    "Unit": "Count",
                }
                for name, value in ((ACTIVE_SESSIONS, active.sessions), (ACTIVE_AGENTS, active.agents))
            ],
        )


def count_sessions_and_agents(pages: Iterable[Sequence[str]]) -> tuple[int, int]:
    """Return the numbers of sessions and agents, from pages with the agent id of each session.

    A scan returns all sessions of an agent in a row, so each run of equal ids, also across pages, is one agent.
    """
    sessions = agents = 0
    last: str | None = None
    for page in pages:
        sessions += len(page)
        for agent_id in page:
            if agent_id != last:
                agents += 1
                last = agent_id
    return sessions, agents
