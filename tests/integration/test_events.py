"""The handlers process every example event in events/."""

from collections.abc import Callable
from types import ModuleType

import pytest

from tests.support.events import http_event, load_event
from tests.support.functions import Api, Context
from tools.openapi.events import for_session
from tools.openapi.examples import CALLER
from tools.openapi.routes import BY_NAME


@pytest.mark.parametrize("name", BY_NAME)
def test_event_of_route_succeeds(api: Api, name: str) -> None:
    signed_in = api.send(load_event("sign_in")).body
    event = for_session(load_event(name), session_token=signed_in["session_token"], session_id=signed_in["session_id"])

    assert api.send(event).status == BY_NAME[name].success.status


@pytest.mark.parametrize("name", [name for name, route in BY_NAME.items() if "agent_id" in route.path_parameters])
def test_event_of_agent_names_the_agent_of_sign_in(api: Api, name: str) -> None:
    signed_in = api.send(load_event("sign_in")).body

    assert load_event(name)["pathParameters"]["agent_id"] == signed_in["agent_id"]


@pytest.mark.usefixtures("other_services")
def test_event_of_schedule_returns_the_counts(load_function: Callable[[str], ModuleType]) -> None:
    function = load_function("activity_report")

    assert function.handler(load_event("activity_report"), Context()) == {"active_sessions": 0, "active_agents": 0}


@pytest.mark.parametrize("name", ["sign_in", "get_agent", "list_agent_sessions"])
def test_path_prefix_of_custom_domain_is_ignored(api: Api, name: str) -> None:
    api.send(load_event("sign_in"))
    event = load_event(name)
    event["rawPath"] = event["requestContext"]["http"]["path"] = f"/v1{event['rawPath']}"

    assert api.send(event).status == BY_NAME[name].success.status


@pytest.mark.parametrize("suffix", ["/sessions", "%2Fsessions", "{session_id}", "\ud800", "\x00", "🤖"])
def test_path_value_never_selects_another_route(api: Api, suffix: str) -> None:
    agent_id = api.send(load_event("sign_in")).body["agent_id"]
    event = http_event("get_agent", authorizer=CALLER, agent_id="x")
    event["pathParameters"]["agent_id"] = agent_id + suffix

    response = api.send(event)

    assert (response.status, response.body["detail"]) == (404, "No such agent")
