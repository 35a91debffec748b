"""A token that a caller sends in the wrong place is rejected, and disclosed nowhere.

The guards search every response, log line and item of these tests for it (tests/guards).
"""

from collections.abc import Callable

import pytest

from tests.guards.leaks import LEAKS
from tests.support.events import Event, http_event
from tests.support.functions import Api

UNKNOWN = "0b0b0b0b-0000-4000-8000-000000000009"

type Misplace = Callable[[str, Api], Event]


def with_header(name: str, value: str) -> Event:
    event = http_event("validate_session")
    event["headers"][name] = value
    return event


def with_cookie(token: str) -> Event:
    return http_event("validate_session") | {"cookies": [f"session_token={token}"]}


def with_parameter(name: str, value: str) -> Event:
    event = http_event("validate_session", query={name: value})
    return event | {"rawQueryString": f"{name}={value}"}


MISPLACED: dict[str, tuple[int, Misplace]] = {
    "in a cookie": (401, lambda token, _: with_cookie(token)),
    "in a header of its own": (401, lambda token, _: with_header("x-session-token", token)),
    "in the user agent": (401, lambda token, _: with_header("user-agent", token)),
    "in the query": (401, lambda token, _: with_parameter("access_token", token)),
    "as a password": (401, lambda token, _: http_event("validate_session", authorization=f"Basic {token}")),
    "twice": (401, lambda token, _: http_event("validate_session", authorization=f"Bearer {token} {token}")),
    "as an agent": (404, lambda token, api: http_event("get_agent", authorizer=api.authorizer, agent_id=token)),
    "as a session": (
        404,
        lambda token, api: http_event(
            "end_agent_session", authorizer=api.authorizer, agent_id=UNKNOWN, session_id=token
        ),
    ),
    "as a cursor": (
        400,
        lambda token, api: http_event(
            "list_agent_sessions", authorizer=api.authorizer, query={"next": token}, agent_id=UNKNOWN
        ),
    ),
    "as a limit": (
        400,
        lambda token, api: http_event(
            "list_agent_sessions", authorizer=api.authorizer, query={"limit": token}, agent_id=UNKNOWN
        ),
    ),
    "as the name of a parameter": (
        400,
        lambda token, api: http_event("list_agents", authorizer=api.authorizer, query={"agent_name": "x", token: "1"}),
    ),
    "as a field": (
        400,
        lambda token, api: http_event(
            "sign_in", authorizer=api.authorizer, body={"agent_name": "x", "session_token": token}
        ),
    ),
    "as the name of a field": (
        400,
        lambda token, api: http_event("sign_in", authorizer=api.authorizer, body={"agent_name": "x", token: "1"}),
    ),
    "as a flag": (
        400,
        lambda token, api: http_event(
            "sign_in", authorizer=api.authorizer, body={"agent_name": "x", "exclusive": token}
        ),
    ),
    "as the whole body": (400, lambda token, api: http_event("sign_in", authorizer=api.authorizer, body=token)),
    "in a body cut short": (
        400,
        lambda token, api: http_event("sign_in", authorizer=api.authorizer, body=f'{{"agent_name": "{token}'),
    ),
}


@pytest.mark.parametrize("place", MISPLACED)
def test_misplaced_token_is_rejected_and_not_disclosed(start: Callable[..., Api], place: str) -> None:
    api = start(POWERTOOLS_LOG_LEVEL="DEBUG")
    token = api.sign_in().body["session_token"]
    status, misplace = MISPLACED[place]

    with LEAKS.misplaced():
        assert api.send(misplace(token, api)).status == status
    assert api.validate(token).status == 200
