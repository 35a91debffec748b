from collections.abc import Callable

import pytest

from tests.conftest import FrozenClock
from tests.support.events import http_event
from tests.support.functions import Api


def test_token_is_invalid_after_sign_out(api: Api) -> None:
    token = api.sign_in().body["session_token"]

    assert api.sign_out(token).status == 204
    assert api.validate(token).status == 401


def test_sign_out_twice_returns_204(api: Api, calls: Callable[[object], list[str]]) -> None:
    token = api.sign_in().body["session_token"]
    api.sign_out(token)
    made = calls(api.functions["sessions"])

    assert api.sign_out(token).status == 204
    assert made == ["DeleteItem"]


def test_sign_out_ends_only_its_session(api: Api) -> None:
    first, second = (api.sign_in().body["session_token"] for _ in range(2))

    api.sign_out(first)

    assert api.validate(second).status == 200


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer nonsense", "Basic dXNlcjpwYXNz"])
def test_malformed_token_returns_401_without_a_database_call(
    api: Api, calls: Callable[[object], list[str]], authorization: str | None
) -> None:
    made = calls(api.functions["sessions"])

    assert api.send(http_event("sign_out", authorization=authorization)).status == 401
    assert made == []


def test_sign_out_updates_last_active_of_the_agent(api: Api, frozen: FrozenClock) -> None:
    signed_in = api.sign_in().body
    frozen.tick(45)
    api.sign_out(signed_in["session_token"])

    agent = api.agent(signed_in["agent_id"]).body

    assert (agent["online"], agent["active_sessions"], agent["last_active"]) == (False, 0, "2027-01-15T08:00:45Z")


def test_sign_out_of_expired_session_does_not_update_last_active(api: Api, frozen: FrozenClock) -> None:
    signed_in = api.sign_in().body
    frozen.tick(1860)
    assert api.sign_out(signed_in["session_token"]).status == 204

    assert api.agent(signed_in["agent_id"]).body["last_active"] == signed_in["last_active"]
