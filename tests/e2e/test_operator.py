"""An operator acts for every owner through Lambda's own API, never through the service's."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import Api


@pytest.fixture
def operate(api: Api, aws: Callable[[str], Any]) -> Callable[..., dict[str, Any]]:
    """Invokes the deployed function, as `aws lambda invoke` does."""

    def operate(**event: Any) -> dict[str, Any]:
        response = aws("lambda").invoke(FunctionName=api.outputs["OperatorFunctionName"], Payload=json.dumps(event))
        assert "FunctionError" not in response, response["Payload"].read()
        return dict(json.loads(response["Payload"].read()))

    return operate


def test_operator_finds_ends_and_blocks(api: Api, operate: Callable[..., dict[str, Any]]) -> None:
    session = api.sign_in("Operated", metadata={"model": "operated"}).body
    agent_id, session_id = session["agent_id"], session["session_id"]

    listed = operate(action="list", owner=session["owner"])
    assert session_id in {each["session_id"] for each in listed["sessions"]}
    assert operate(action="count", owner=session["owner"])["sessions"] >= 1

    found = operate(action="end", metadata={"model": "operated"}, dry_run=True)
    assert (found["matched"], found["ended"], found["session_ids"]) == (1, 0, [session_id])
    assert api.validate(session["session_token"]).status == 200
    assert operate(action="end", metadata={"model": "operated"})["ended"] == 1
    assert api.validate(session["session_token"]).status == 401

    assert operate(action="block", agent_id=agent_id)["agent"]["blocked"] is True
    assert api.sign_in("Operated").status == 403
    operate(action="unblock", agent_id=agent_id)
    assert api.sign_in("Operated").status == 201


def test_operator_deletes_an_owner(api: Api, operate: Callable[..., dict[str, Any]]) -> None:
    assert operate(action="delete", owner="jwt:https://issuer.example#nobody") == {
        "action": "delete",
        "agents": 0,
        "sessions": 0,
        "more": False,
    }


def test_bad_event_is_an_error_that_names_the_field(operate: Callable[..., dict[str, Any]]) -> None:
    assert [each["field"] for each in operate(action="end", metadata={"model": 1})["errors"]] == ["metadata.model"]
