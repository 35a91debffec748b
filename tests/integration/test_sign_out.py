from collections.abc import Callable

import pytest

from tests.conftest import FrozenClock
from tests.support.events import http_event
from tests.support.functions import Api


def test_a_token_is_worth_nothing_after_signing_out(api: Api) -> None:
    token = api.sign_in().body["session_token"]

    assert api.sign_out(token).status == 204
    assert api.validate(token).status == 401


def test_signing_out_twice_is_fine(api: Api, calls: Callable[[object], list[str]]) -> None:
    token = api.sign_in().body["session_token"]
    api.sign_out(token)
    made = calls(api.functions["sessions"])

    assert api.sign_out(token).status == 204
    assert made == ["DeleteItem"]


def test_signing_out_ends_this_session_only(api: Api) -> None:
    first, second = (api.sign_in().body["session_token"] for _ in range(2))

    api.sign_out(first)

    assert api.validate(second).status == 200


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer nonsense", "Basic dXNlcjpwYXNz"])
def test_what_is_no_token_is_refused_without_asking_the_database(
    api: Api, calls: Callable[[object], list[str]], authorization: str | None
) -> None:
    made = calls(api.functions["sessions"])

    assert api.send(http_event("sign_out", authorization=authorization)).status == 401
    assert made == []


def test_the_agent_was_seen_when_it_signed_out(api: Api, frozen: FrozenClock) -> None:
    signed_in = api.sign_in().body
    frozen.tick(45)
    api.sign_out(signed_in["session_token"])

    agent = api.agent(signed_in["agent_id"]).body

    assert (agent["online"], agent["active_sessions"], agent["last_active"]) == (False, 0, "2027-01-15T08:00:45Z")


def test_signing_out_of_an_expired_session_is_no_sign_of_life(api: Api, frozen: FrozenClock) -> None:
    signed_in = api.sign_in().body
    frozen.tick(1860)
    assert api.sign_out(signed_in["session_token"]).status == 204

    assert api.agent(signed_in["agent_id"]).body["last_active"] == signed_in["last_active"]
