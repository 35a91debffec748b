"""The main use of the service over HTTP, through the real functions behind the real template."""

import json
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.conftest import Api, let_report_put_metrics
from tools import ROOT

UNKNOWN = "0b0b0b0b-0000-4000-8000-000000000009"


def test_agent_signs_in_validates_and_signs_out(api: Api) -> None:
    first = api.sign_in("Story", context="Chapter 1")
    assert (first.status, first.headers["Location"]) == (201, "sessions/current")
    assert first.body["reused"] is False

    second = api.sign_in(" STORY ", context="chapter 1").body
    assert (second["agent_id"], second["reused"]) == (first.body["agent_id"], True)
    agent_id, token = second["agent_id"], second["session_token"]

    assert api.validate(token).body["session_id"] == second["session_id"]
    agent = api.found("agent_name=story&context=Chapter%201")
    assert (agent["agent_id"], agent["online"], agent["active_sessions"]) == (agent_id, True, 2)
    page = api.sessions(agent_id, "?limit=1").body
    rest = api.sessions(agent_id, f"?limit=1&next={page['next']}").body
    assert {each["session_id"] for each in page["sessions"] + rest["sessions"]} == {
        first.body["session_id"],
        second["session_id"],
    }

    assert api.sign_out(token).status == 204
    assert api.sign_out(token).status == 204
    assert api.validate(token).status == 401
    assert api.end(agent_id, first.body["session_id"]).status == 204
    agent = api.agent(agent_id).body
    assert (agent["online"], agent["active_sessions"]) == (False, 0)
    assert api.end_all(agent_id).body == {"ended": 0, "more": False}


def test_an_exclusive_sign_in_leaves_one_session(api: Api) -> None:
    tokens = [api.sign_in("Alone").body["session_token"] for _ in range(3)]
    body = api.sign_in("Alone", exclusive=True).body

    assert {api.validate(token).status for token in tokens} == {401}
    assert api.agent(body["agent_id"]).body["active_sessions"] == 1


def test_racing_first_sign_ins_make_one_agent(api: Api) -> None:
    # A few containers at once: tests/dynamodb/test_races.py has 64, and needs no emulator.
    with ThreadPoolExecutor(4) as pool:
        sessions = [response.body for response in pool.map(lambda _: api.sign_in("Racer"), range(24))]

    assert len({session["agent_id"] for session in sessions}) == 1
    # A sign-in that got a 503 may have created the agent or a session all the same.
    assert [session["reused"] for session in sessions].count(False) <= 1
    assert api.agent(sessions[0]["agent_id"]).body["active_sessions"] >= 24


def test_health_check_returns_200(api: Api) -> None:
    response = api.call("GET", "/health", route="GET /health")

    assert (response.status, response.body) == (200, {"status": "ok"})


def test_health_can_be_probed_without_a_body(api: Api) -> None:
    answer = api.call("HEAD", "/health", route="HEAD /health")

    assert (answer.status, answer.text) == (200, "")


def test_location_joined_to_the_url_of_the_request_leads_to_the_session(api: Api) -> None:
    signed_in = api.sign_in("Located")
    location = urllib.parse.urljoin(f"{api.url}/sessions", signed_in.headers["Location"])

    assert location == f"{api.url}/sessions/current"
    assert api.call("GET", "/sessions/current", token=signed_in.body["session_token"]).status == 200


def test_owner_sees_and_stops_its_agents(api: Api) -> None:
    body = api.sign_in("Worker", metadata={"model": "claude"}, idle_seconds=600).body
    agent_id, session_id, token = body["agent_id"], body["session_id"], body["session_token"]
    report = {"state": "waiting", "activity": "asking Ada"}
    assert api.request("report_progress", report, token=token).body["state"] == "waiting"

    roster, position = [], ""
    while True:
        page = api.request("list_sessions", query=f"?limit=50{position}").body
        roster += page["sessions"]
        if page["next"] is None:
            break
        position = f"&next={urllib.parse.quote(page['next'], safe='')}"
    (shown,) = [each for each in roster if each["session_id"] == session_id]
    assert (shown["activity"], shown["metadata"]) == ("asking Ada", {"model": "claude"})
    assert agent_id in {each["agent_id"] for each in all_agents(api)}

    asked = {"stop_requested": "budget used up"}
    api.request("update_agent_session", asked, agent_id=agent_id, session_id=session_id)
    assert api.validate(token).body["stop_requested"]["reason"] == "budget used up"

    assert api.request("update_agent", {"blocked": True}, agent_id=agent_id).body["active_sessions"] == 0
    assert api.validate(token).status == 401
    refused = api.sign_in("Worker")
    assert (refused.status, refused.body["error"]) == (403, "AgentBlockedError")
    assert api.request("update_agent", {"blocked": False}, agent_id=agent_id).body["blocked"] is False
    assert api.sign_in("Worker").body["reused"] is True

    assert api.request("delete_agent", agent_id=agent_id).status == 204
    assert api.request("delete_agent", agent_id=agent_id).status == 404
    assert api.sign_in("Worker").body["reused"] is False


def all_agents(api: Api) -> list[dict[str, Any]]:
    agents, position = [], ""
    while True:
        page = api.request("list_agents", query=f"?limit=50{position}").body
        agents += page["agents"]
        if page["next"] is None:
            return agents
        position = f"&next={page['next']}"


VECTORS = json.loads((ROOT / "tests/data/identity_vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["identity_key"][:20])
def test_identity_equals_the_vector(api: Api, vector: dict[str, Any]) -> None:
    body = api.sign_in(vector["agent_name"], context=vector["context"]).body

    assert (body["identity_key"], body["avatar_seed"]) == (vector["identity_key"], vector["avatar_seed"])
    query = {name: vector[name] for name in ("agent_name", "context") if vector[name]}
    assert api.found(urllib.parse.urlencode(query))["agent_id"] == body["agent_id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("PUT", "/sessions"),
        ("POST", "/sessions/current"),
        ("POST", "/agents"),
        ("DELETE", "/agents"),
        ("GET", f"/agents/{UNKNOWN}/sessions/{UNKNOWN}"),
        ("PATCH", f"/agents/{UNKNOWN}/sessions"),
    ],
)
def test_unknown_route_gets_404_of_the_gateway(api: Api, method: str, path: str) -> None:
    response = api.call(method, path)

    assert (response.status, response.body) == (404, {"message": "Not Found"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"not json", "body"),
        (b"[]", "body"),
        (b'{"agent_name": "x", "contxt": "y"}', "contxt"),
        (b'{"agent_name": "a\\u0000b"}', "agent_name"),
        (b'{"agent_name": "\\ud800"}', "agent_name"),
        (b'{"agent_name":' + b"[" * 4000 + b"]" * 4000 + b"}", "agent_name"),
    ],
)
def test_bad_field_returns_400_that_names_it(api: Api, body: bytes, field: str) -> None:
    response = api.call("POST", "/sessions", body, route="POST /sessions")

    assert response.status == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert [each["field"] for each in response.body["errors"]] == [field]


def test_body_of_invalid_utf8_returns_400(api: Api) -> None:
    binary = {"Content-Type": "application/octet-stream"}
    response = api.call("POST", "/sessions", b'{"agent_name": "\xff"}', headers=binary)

    assert (response.status, response.body["detail"]) == (400, "The body is not UTF-8; encode it as UTF-8")


def test_too_large_body_returns_413(api: Api) -> None:
    assert api.sign_in("x" * 8192).status == 413


@pytest.mark.parametrize(
    "path",
    ["/agents/nobody", "/agents/%F0%9F%A4%96", "/agents/a%00b", "/agents/..%2F..", f"/agents/{UNKNOWN}"],
)
def test_malformed_agent_id_returns_404(api: Api, path: str) -> None:
    assert api.call("GET", path).status == 404


def test_name_with_special_characters_is_found_again(api: Api) -> None:
    for name in ("#owner = :owner", "../../etc/passwd", "<script>", "$context.path", "\u0338txt", "%25", "a+b&c=d"):
        body = api.sign_in(name, context=name).body
        found = api.found(urllib.parse.urlencode({"agent_name": name, "context": name}))
        assert found["agent_id"] == body["agent_id"], name


def test_report_counts_live_sessions_and_agents(api: Api, aws: Callable[[str], Any]) -> None:
    for _ in range(3):
        api.sign_in("Counted")
    items = aws("dynamodb").scan(TableName=api.outputs["SessionsTableName"])["Items"]
    let_report_put_metrics(aws, api.outputs["ReportFunctionName"])

    response = aws("lambda").invoke(FunctionName=api.outputs["ReportFunctionName"])

    assert json.loads(response["Payload"].read()) == {
        "active_sessions": len(items),
        "active_agents": len({item["agent_id"]["S"] for item in items}),
    }
    of_this_stack = [{"Name": "service", "Value": "agent-sessions"}]
    metrics = aws("cloudwatch").list_metrics(Namespace="AgentSessions", Dimensions=of_this_stack)["Metrics"]
    assert {each["MetricName"] for each in metrics} >= {"ActiveSessions", "ActiveAgents"}


def test_log_contains_the_route_but_not_the_token(api: Api, aws: Callable[[str], Any]) -> None:
    token = api.sign_in("Logged").body["session_token"]
    api.validate(token)
    api.sign_out(token)
    logs = aws("logs")

    lines = []
    for group in logs.describe_log_groups()["logGroups"]:
        lines += [each["message"] for each in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]]

    assert any('"route":"DELETE /sessions/current"' in line for line in lines)
    assert not [line for line in lines if token in line]


def test_environment_of_events_names_the_local_tables(api: Api) -> None:
    environment = json.loads((ROOT / "events/env.json").read_text())["Parameters"]

    assert environment["AGENTS_TABLE"] == api.outputs["AgentsTableName"]
    assert environment["SESSIONS_TABLE"] == api.outputs["SessionsTableName"]
