"""The report is exact or fails, whatever happens to a page of its scan or to its metrics."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from botocore import exceptions
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from agent_sessions.errors import DatabaseError
from agent_sessions.services.sessions import SessionService
from tests.faults.harness import START, ThreadClock, VirtualTime
from tests.faults.injected import INJECTED, Injected, Strike, is_batch, raising, respond
from tests.support.database import OWNER, Database, client_of
from tests.support.events import load_event
from tests.support.functions import Context, load_function_module
from tests.support.timeouts import HANG_SECONDS

pytestmark = pytest.mark.usefixtures("other_services")

SESSIONS, AGENTS = 14, 11
PAGE_SIZE = 2

PAGES = [fault for fault in INJECTED if fault.suits is not is_batch]

# A page of a scan: the number of its segment, and its number within the segment.
type Page = tuple[int, int]


@dataclass
class Report:
    """The scheduled function with small pages, and the metrics that it puts."""

    function: ModuleType
    fault: Injected | None = None
    struck: Page | None = None
    lasting: bool = True
    read: list[Page] = field(default_factory=list)
    put: list[dict[str, tuple[float, datetime]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._thread = threading.local()
        clients: list[Any] = [client_of(self.function.report.tables), self.function.report._cloudwatch]
        dynamodb, cloudwatch = (client.meta.events for client in clients)
        dynamodb.register("provide-client-params.dynamodb.Scan", self._turn_page)
        dynamodb.register("before-send.dynamodb.Scan", self._send)
        cloudwatch.register("provide-client-params.cloudwatch.PutMetricData", self._note)
        cloudwatch.register("before-send.cloudwatch", lambda request, **_: respond(200, b"\xa0", **CBOR)(request))

    def run(self) -> dict[str, int]:
        self.read.clear()
        self.put.clear()
        counts: dict[str, int] = self.function.handler(load_event("activity_report"), Context())
        return counts

    def _turn_page(self, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        # One thread reads a segment from its first page on.
        segment = params["Segment"]
        number = self._thread.page[1] + 1 if "ExclusiveStartKey" in params else 0
        self._thread.page, self._thread.attempts = (segment, number), 0
        self.read.append((segment, number))
        return params | {"Limit": PAGE_SIZE}

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        self._thread.attempts += 1
        if self.fault is None or self._thread.page != self.struck:
            return None
        return self.fault.strike(request, None) if self.lasting or self._thread.attempts == 1 else None

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self.put.append({each["MetricName"]: (each["Value"], each["Timestamp"]) for each in params["MetricData"]})


CBOR = {"smithy_protocol": "rpc-v2-cbor", "content_type": "application/cbor"}
EXACT = {"active_sessions": SESSIONS, "active_agents": AGENTS}
PUT = {
    "ActiveSessions": (SESSIONS, datetime.fromtimestamp(START, UTC)),
    "ActiveAgents": (AGENTS, datetime.fromtimestamp(START, UTC)),
}


@pytest.fixture(scope="module")
def new_report(
    virtual_time: VirtualTime, environment: None, thread_clock: ThreadClock, shared_database: Database
) -> Callable[[], Report]:
    """Starts a container of the function, on a table with live and expired sessions."""
    sessions = SessionService(shared_database.tables(), shared_database.settings)
    thread_clock.time = START - 2000
    for number in range(4):
        sessions.sign_in(OWNER, f"Agent {number}")
    thread_clock.time = START
    for number in range(SESSIONS):
        sessions.sign_in(OWNER, f"Agent {number % AGENTS}")
    return lambda: Report(load_function_module("activity_report"))


@pytest.fixture(scope="module")
def pages(new_report: Callable[[], Report]) -> list[Page]:
    """The pages of a run without faults."""
    report = new_report()

    assert report.run() == EXACT
    assert report.put == [PUT]
    pages = sorted(report.read)
    assert {segment for segment, number in pages if number > 0} == {0, 1, 2, 3}, "each segment has several pages"
    return pages


@pytest.mark.parametrize("fault", PAGES, ids=str)
def test_lost_page_puts_no_metric(new_report: Callable[[], Report], pages: list[Page], fault: Injected) -> None:
    report = new_report()
    report.fault = fault
    for report.struck in pages:
        with pytest.raises(DatabaseError):
            report.run()
        assert report.struck in report.read
        assert report.put == [], report.struck

    report.fault = None
    assert report.run() == EXACT
    assert report.put == [PUT]


@pytest.mark.parametrize("fault", [fault for fault in PAGES if not fault.final], ids=str)
def test_page_read_at_second_attempt_counts_once(
    new_report: Callable[[], Report], pages: list[Page], fault: Injected
) -> None:
    report = new_report()
    report.fault, report.lasting = fault, False
    for report.struck in pages:
        assert report.run() == EXACT
        assert sorted(report.read) == pages
        assert report.put == [PUT]


@pytest.mark.parametrize(
    "fault",
    [
        respond(500, b""),
        respond(503, b"<html>Service Unavailable</html>"),
        respond(400, b'{"__type": "ThrottlingException"}'),
        raising(exceptions.EndpointConnectionError, error="refused"),
        raising(exceptions.ConnectTimeoutError),
        raising(exceptions.ReadTimeoutError),
        raising(exceptions.ConnectionClosedError),
    ],
    ids=["500", "503", "throttling", "refused", "no connection", "silence", "reset"],
)
def test_failed_put_of_metrics_fails_the_run(new_report: Callable[[], Report], fault: Strike) -> None:
    report = new_report()
    report.function.report._cloudwatch.meta.events.register_first(
        "before-send.cloudwatch", lambda request, **_: fault(request)
    )

    with pytest.raises((exceptions.ClientError, exceptions.BotoCoreError)):
        report.run()


def test_overlapping_runs_put_the_same(new_report: Callable[[], Report], pages: list[Page]) -> None:
    reports = [new_report(), new_report()]
    counted = threading.Barrier(2)

    def wait(**_: object) -> None:
        counted.wait(timeout=HANG_SECONDS)

    for report in reports:
        report.function.report._cloudwatch.meta.events.register("provide-client-params.cloudwatch", wait)

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(Report.run, reports))

    assert counts == [EXACT, EXACT]
    assert [report.put for report in reports] == [[PUT], [PUT]]
