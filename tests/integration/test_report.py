from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

from agent_sessions.dynamodb.sessions_table import SessionsTable
from agent_sessions.errors import DatabaseError
from agent_sessions.services import activity_report
from tests.conftest import FrozenClock
from tests.support.events import load_event
from tests.support.functions import Api, Context

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient


pytestmark = pytest.mark.usefixtures("other_services")


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


@pytest.fixture
def sweeping(load_function: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function with lifecycle events."""
    monkeypatch.setenv("LIFECYCLE_EVENTS", "true")
    return load_function("activity_report")


def session_ids(dynamodb: "DynamoDBClient") -> set[str]:
    return {item["session_id"]["S"] for item in dynamodb.scan(TableName="SessionsTable")["Items"]}


def test_report_with_lifecycle_events_deletes_expired_sessions_and_counts_the_others(
    api: Api, sweeping: ModuleType, frozen: FrozenClock, dynamodb: "DynamoDBClient"
) -> None:
    for number in range(12):
        api.sign_in(f"expired {number}")
    frozen.tick(1)
    live = {api.sign_in(f"live {number % 3}").body["session_id"] for number in range(5)}
    frozen.tick(1859)

    assert sweeping.handler(load_event("activity_report"), Context()) == {"active_sessions": 5, "active_agents": 3}
    assert session_ids(dynamodb) == live


def test_report_without_lifecycle_events_deletes_nothing(
    api: Api, run: Callable[[], dict[str, int]], frozen: FrozenClock, dynamodb: "DynamoDBClient"
) -> None:
    api.sign_in()
    frozen.tick(1860)

    assert run()["active_sessions"] == 0
    assert len(session_ids(dynamodb)) == 1


def test_report_spares_a_session_that_a_touch_in_flight_extends(
    api: Api, sweeping: ModuleType, frozen: FrozenClock, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    session = api.sign_in().body
    frozen.tick(1860)
    delete = SessionsTable.delete_expired_session

    def extend_and_delete(table: SessionsTable, agent_id: str, session_id: str, *, now: int) -> bool:
        dynamodb.update_item(
            TableName="SessionsTable",
            Key={"agent_id": {"S": agent_id}, "session_id": {"S": session_id}},
            UpdateExpression="SET expires_at = :later",
            ConditionExpression="attribute_exists(session_id)",
            ExpressionAttributeValues={":later": {"N": str(now + 1)}},
        )
        return delete(table, agent_id, session_id, now=now)

    monkeypatch.setattr(SessionsTable, "delete_expired_session", extend_and_delete)

    sweeping.handler(load_event("activity_report"), Context())

    assert session_ids(dynamodb) == {session["session_id"]}


def test_report_counts_exactly_although_a_deletion_fails(
    api: Api, sweeping: ModuleType, frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.sign_in("expired")
    frozen.tick(1860)
    api.sign_in("live")

    def fail(*_: object, **__: object) -> bool:
        raise DatabaseError("DeleteItem")

    monkeypatch.setattr(SessionsTable, "delete_expired_session", fail)

    assert sweeping.handler(load_event("activity_report"), Context()) == {"active_sessions": 1, "active_agents": 1}


def test_report_leaves_a_pile_to_its_next_runs_once_its_time_is_up(
    api: Api, sweeping: ModuleType, frozen: FrozenClock, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        api.sign_in()
    frozen.tick(1860)
    api.sign_in()
    monkeypatch.setattr(activity_report, "MAX_SWEEP_SECONDS", 0.0)

    assert sweeping.handler(load_event("activity_report"), Context()) == {"active_sessions": 1, "active_agents": 1}
    assert len(session_ids(dynamodb)) == 4
