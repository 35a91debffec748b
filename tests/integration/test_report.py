from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

from agent_sessions.errors import DatabaseError
from agent_sessions.services import activity_report
from tests.conftest import FrozenClock
from tests.support.events import load_event
from tests.support.functions import Api, Context

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


@pytest.fixture
def cloudwatch(dynamodb: object, botocore_session: botocore.session.Session) -> "CloudWatchClient":
    return botocore_session.create_client("cloudwatch")  # type: ignore[return-value]


@pytest.fixture
def run(load_function: Callable[[str], ModuleType]) -> Callable[[], dict[str, int]]:
    """Runs the scheduled function once."""

    def run() -> dict[str, int]:
        result: dict[str, int] = load_function("activity_report").handler(load_event("activity_report"), Context())
        return result

    return run


def test_empty_table_counts_zero(run: Callable[[], dict[str, int]]) -> None:
    assert run() == {"active_sessions": 0, "active_agents": 0}


def test_live_sessions_and_agents_are_counted_exactly(
    api: Api, run: Callable[[], dict[str, int]], frozen: FrozenClock
) -> None:
    for number in range(12):
        api.sign_in(f"long gone {number}")
    frozen.tick(1860)
    for number in range(20):
        for _ in range(number % 4 + 1):
            token = api.sign_in(f"agent {number}").body["session_token"]
    api.sign_out(token)

    assert run() == {"active_sessions": 49, "active_agents": 20}


def test_session_counts_until_the_second_of_expiry(
    api: Api, run: Callable[[], dict[str, int]], frozen: FrozenClock
) -> None:
    api.sign_in()
    frozen.tick(1859)
    assert run()["active_sessions"] == 1
    frozen.tick(1)
    assert run()["active_sessions"] == 0


def test_both_metrics_are_put_for_the_stack(
    api: Api, run: Callable[[], dict[str, int]], cloudwatch: "CloudWatchClient"
) -> None:
    for name in ("one", "two"):
        api.sign_in(name)
    api.sign_in("two")
    run()

    metrics = cloudwatch.list_metrics(Namespace="AgentSessions")["Metrics"]
    assert {each["MetricName"] for each in metrics} == {"ActiveSessions", "ActiveAgents"}
    assert [each["Dimensions"] for each in metrics] == [[{"Name": "service", "Value": "agent-sessions"}]] * 2


def test_metrics_have_value_unit_and_time_of_count(
    api: Api, load_function: Callable[[str], ModuleType], frozen: FrozenClock
) -> None:
    api.sign_in("one")
    api.sign_in("one")
    function = load_function("activity_report")
    put: list[dict[str, Any]] = []
    client = function.report._cloudwatch
    client.meta.events.register(
        "provide-client-params.cloudwatch.PutMetricData", lambda params, **_: put.append(params)
    )
    function.handler(load_event("activity_report"), Context())

    (request,) = put
    assert {each["MetricName"]: (each["Value"], each["Unit"]) for each in request["MetricData"]} == {
        "ActiveSessions": (2, "Count"),
        "ActiveAgents": (1, "Count"),
    }
    assert {int(each["Timestamp"].timestamp()) for each in request["MetricData"]} == {frozen.time}


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_lost_page_puts_no_metric(
    api: Api,
    load_function: Callable[[str], ModuleType],
    cloudwatch: "CloudWatchClient",
    monkeypatch: pytest.MonkeyPatch,
    lost: int,
) -> None:
    api.sign_in()
    function = load_function("activity_report")
    pages = function.report.tables.sessions.live_session_agents

    def losing(*, segment: int, **request: Any) -> object:
        if segment == lost:
            raise DatabaseError("scan")
        return pages(segment=segment, **request)

    monkeypatch.setattr(function.report.tables.sessions, "live_session_agents", losing)

    with pytest.raises(DatabaseError):
        function.handler(load_event("activity_report"), Context())
    assert cloudwatch.list_metrics(Namespace="AgentSessions")["Metrics"] == []


def test_runs_are_counted_across_pages() -> None:
    assert activity_report.count_sessions_and_agents([["a", "a", "b"], [], ["b", "c"], ["c"], ["d"]]) == (7, 4)
