"""Counting what is alive, exactly or not at all."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent_sessions import aws_clients, clock
from agent_sessions.dynamodb.client import REPORT_CLIENT_CONFIG, BotocoreTransport
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

ACTIVE_SESSIONS = "ActiveSessions"
ACTIVE_AGENTS = "ActiveAgents"


@dataclass(frozen=True, slots=True)
class Active:
    """How many sessions and agents were alive at ``at``, in epoch seconds."""

    at: int
    sessions: int
    agents: int


class ActivityReport:
    """Counts live sessions and their agents, and tells CloudWatch.

    Args:
        tables: Where sessions are stored.
        cloudwatch: A client of CloudWatch. IAM: ``cloudwatch:PutMetricData``.
        settings: Segments, namespace and service name.
    """

    def __init__(self, tables: Tables, cloudwatch: "CloudWatchClient", settings: Settings) -> None:
        self.tables = tables
        self._cloudwatch = cloudwatch
        self._settings = settings

    @classmethod
    def from_environment(cls) -> "ActivityReport":
        """Make the report of this deployment; raises SettingsError that names what is missing."""
        settings = Settings.from_environment()
        cloudwatch: CloudWatchClient = aws_clients.create_client("cloudwatch", REPORT_CLIENT_CONFIG)
        return cls(Tables.over(BotocoreTransport.connect(REPORT_CLIENT_CONFIG), settings), cloudwatch, settings)

    def run(self) -> Active:
        """Count, then put both metrics in one call.

        Any failure is raised before anything is put: a gap in a graph is true, a low number is not.
        """
        active = self.count()
        self._put(active)
        return active

    def count(self) -> Active:
        """Read all segments in parallel, in memory that does not grow with the table."""
        now = clock.now()
        segments = self._settings.report_segments
        with ThreadPoolExecutor(max_workers=segments) as pool:
            counts = list(pool.map(lambda segment: self._count_segment(now, segment, segments), range(segments)))
        return Active(now, sum(sessions for sessions, _ in counts), sum(agents for _, agents in counts))

    def _count_segment(self, now: int, segment: int, segments: int) -> tuple[int, int]:
        pages = self.tables.sessions.live_session_agents(now=now, segment=segment, segments=segments)
        return count_sessions_and_agents(pages)

    def _put(self, active: Active) -> None:
        self._cloudwatch.put_metric_data(
            Namespace=self._settings.metrics_namespace,
            MetricData=[
                {
                    "MetricName": name,
                    # The dimension that the counted metrics have, so that one stack is one series.
                    "Dimensions": [{"Name": "service", "Value": self._settings.service_name}],
                    "Timestamp": datetime.fromtimestamp(active.at, UTC),
                    "Value": value,
                    "Unit": "Count",
                }
                for name, value in ((ACTIVE_SESSIONS, active.sessions), (ACTIVE_AGENTS, active.agents))
            ],
        )


def count_sessions_and_agents(pages: Iterable[Sequence[str]]) -> tuple[int, int]:
    """Return how many entries the pages have, and how many runs of equal ones, also across pages.

    A scan meets all sessions of an agent in a row, so a run is an agent.
    """
    entries = runs = 0
    last: str | None = None
    for page in pages:
        entries += len(page)
        for entry in page:
            if entry != last:
                runs += 1
                last = entry
    return entries, runs
