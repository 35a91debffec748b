"""Every file in events/ through its handler."""

from collections.abc import Callable
from types import ModuleType

import pytest

from tests.support.events import EVENT_NAMES, http_event, load_event
from tests.support.functions import Api, Context
from tools.cloudformation import resources

EXPECTED = {
    "end_all_sessions": 200,
    "end_session": 204,
    "find_agent": 200,
    "get_agent": 200,
    "health": 200,
    "list_sessions": 200,
    "sign_in": 201,
    "sign_out": 204,
    "validate": 401,
}


def test_there_is_an_event_for_every_route_and_trigger() -> None:
    routes = {properties["RouteKey"] for properties in resources("AWS::ApiGatewayV2::Route").values()}

    assert {load_event(name)["routeKey"] for name in EXPECTED} == routes
    assert set(EVENT_NAMES) == {*EXPECTED, "activity_report"}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_event_of_a_route_is_answered(api: Api, name: str) -> None:
    api.send(load_event("sign_in"))

    assert api.send(load_event(name)).status == EXPECTED[name]


def test_the_events_of_agents_speak_of_the_agent_that_signs_in(api: Api) -> None:
    agent_id = api.send(load_event("sign_in")).body["agent_id"]

    for name in ("get_agent", "list_sessions", "end_all_sessions", "end_session"):
        assert load_event(name)["pathParameters"]["agent_id"] == agent_id


def test_the_event_of_the_schedule_is_answered(load_function: Callable[[str], ModuleType]) -> None:
    function = load_function("activity_report")

    assert function.handler(load_event("activity_report"), Context()) == {"active_sessions": 0, "active_agents": 0}


@pytest.mark.parametrize("name", ["sign_in", "get_agent", "list_sessions"])
def test_the_mapping_of_a_custom_domain_changes_nothing(api: Api, name: str) -> None:
    api.send(load_event("sign_in"))
    event = load_event(name)
    event["rawPath"] = event["requestContext"]["http"]["path"] = f"/v1{event['rawPath']}"

    assert api.send(event).status == EXPECTED[name]


@pytest.mark.parametrize("suffix", ["/sessions", "%2Fsessions", "{session_id}", "\ud800", "\x00", "🤖"])
def test_no_value_of_a_path_leads_to_another_route(api: Api, suffix: str) -> None:
    agent_id = api.send(load_event("sign_in")).body["agent_id"]
    event = http_event("get_agent", authorizer=load_event("sign_in")["requestContext"]["authorizer"], agent_id="x")
    event["pathParameters"]["agent_id"] = agent_id + suffix

    answer = api.send(event)

    assert (answer.status, answer.body["detail"]) == (404, "No such agent")
