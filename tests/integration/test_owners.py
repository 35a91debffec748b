"""The data of one owner does not exist for another, however the gateway verifies callers."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from tests.support.events import ROLE, USER, cognito, http_event, iam, jwt
from tests.support.functions import Api

OWNERS: dict[str, dict[str, Any] | None] = {
    "user": iam(USER),
    "role": iam(ROLE),
    "jwt": jwt("8f14e45f"),
    "other jwt": jwt("c9f0f895"),
    "same subject of another issuer": jwt("8f14e45f", "https://other.example"),
    "identity of a pool": cognito("eu-west-1:3f291106-8703-466b-8f2b-3ecee1ca56ce"),
    "other identity of the pool": cognito("eu-west-1:9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"),
    "user with a path": iam("arn:aws:iam::111122223333:user/:assumed-role/victim/eve"),
    "other user with the path": iam("arn:aws:iam::111122223333:user/:assumed-role/victim/mallory"),
    "long subject": jwt("x" * 1025),
    "open": None,
}
KINDS = ["user", "role", "jwt", "identity of a pool", "open"]


@pytest.fixture
def owners(start: Callable[..., Api]) -> dict[str, Api]:
    api = start(API_AUTH="NONE")
    return {name: api.as_owner(authorizer) for name, authorizer in OWNERS.items()}


def test_one_identity_is_one_agent_per_owner(owners: dict[str, Api]) -> None:
    agents = {name: owner.sign_in("Claude").body["agent_id"] for name, owner in owners.items()}

    assert len(set(agents.values())) == len(OWNERS)
    for name, owner in owners.items():
        assert owner.found("Claude")["agent_id"] == agents[name]
        assert owner.agent(agents[name]).body["active_sessions"] == 1


@pytest.mark.parametrize(("mine", "theirs"), list(permutations(KINDS, 2)))
def test_agent_of_another_owner_looks_like_a_missing_one(owners: dict[str, Api], mine: str, theirs: str) -> None:
    session = owners[mine].sign_in("Claude").body
    agent_id = session["agent_id"]
    other = owners[theirs]

    responses = [
        other.agent(agent_id),
        other.sessions(agent_id),
        other.end_all(agent_id),
        other.end(agent_id, session["session_id"]),
        other.block(agent_id),
        other.block(agent_id, blocked=False),
        other.delete(agent_id),
    ]
    nobody = other.agent("0b0b0b0b-0000-4000-8000-000000000009")

    assert {response.text for response in responses} == {nobody.text}
    assert {response.status for response in responses} == {404}
    assert other.stop(agent_id, session["session_id"], stop_requested="mine").status == 404
    assert other.find(agent_name="Claude").body["agents"] == other.find().body["agents"] == []
    assert other.roster().body["sessions"] == []
    assert other.end_everything().body == {"ended": 0, "more": False}
    assert owners[mine].validate(session["session_token"]).status == 200
    assert owners[mine].agent(agent_id).body["active_sessions"] == 1


def test_role_is_one_owner_for_all_its_sessions(api: Api) -> None:
    first = api.as_owner(iam("arn:aws:sts::111122223333:assumed-role/worker/one"))
    second = api.as_owner(iam("arn:aws:sts::111122223333:assumed-role/worker/two"))

    assert first.sign_in().body["agent_id"] == second.sign_in().body["agent_id"]


@pytest.mark.parametrize("api_auth", ["AWS_IAM", "JWT"])
def test_missing_caller_returns_403(start: Callable[..., Api], api_auth: str) -> None:
    api = start(API_AUTH=api_auth).as_owner(None)

    for response in (
        api.sign_in(),
        api.find(agent_name="Claude"),
        api.agent("0b0b0b0b-0000-4000-8000-000000000009"),
        api.end_all("0b0b0b0b-0000-4000-8000-000000000009"),
    ):
        assert (response.status, response.body["error"]) == (403, "CallerError")


def test_owner_in_header_or_field_is_ignored(start: Callable[..., Api]) -> None:
    api = start(API_AUTH="NONE")
    event = http_event("sign_in", body={"agent_name": "Claude"})
    event["headers"] |= {"x-owner": "iam:arn:aws:iam::111122223333:user/ada", "x-amzn-iam-user-arn": USER}
    api.send(event)

    assert api.as_owner(iam(USER)).find(agent_name="Claude").body["agents"] == []
    assert api.as_owner(None).sign_in("Claude", owner="iam:x").messages.keys() == {"owner"}
