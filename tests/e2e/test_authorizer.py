"""examples/authorizer.yaml: another API admits only agents with a live session."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import Api, wait_for
from tests.e2e.deployment import Deployments
from tests.support.tokens import token_of
from tools.local import service
from tools.local.emulator import Emulator

TTL = 3


@pytest.fixture
def deploy_example(emulator: Emulator, deployments: Deployments) -> Callable[..., Api]:
    """Deploys the example with the authorizer of a service."""

    def deploy_example(stack_name: str, of: Api, ttl: int) -> Api:
        parameters = {"AuthorizerArn": of.outputs["AuthorizerArn"], "AuthorizerTtlSeconds": str(ttl)}
        outputs = deployments.deploy_example(stack_name, "authorizer", parameters)
        return Api(emulator.api_url(outputs["ApiUrl"]))

    return deploy_example


def test_example_admits_only_live_sessions(api: Api, emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    service.authorizer(emulator.folder)
    printed = re.search(r"^  export WHOAMI_URL='(.+)/whoami'$", capsys.readouterr().out, re.MULTILINE)
    assert printed
    orders = Api(printed[1])
    session = api.sign_in("Ada's worker", context="Project A").body
    token = session["session_token"]

    admitted = orders.call("GET", "/whoami", token=token)
    assert admitted.status == 200
    assert admitted.body["agent_id"] == session["agent_id"]
    assert admitted.body["context"] == "Project A"

    assert orders.call("GET", "/whoami").status == 401
    assert orders.call("GET", "/whoami", token="malformed").status == 403
    assert orders.call("GET", "/whoami", token=token_of(bytes(32))).status == 403

    api.sign_out(token)
    assert orders.call("GET", "/whoami", token=token).status == 403


def test_cached_decision_outlives_sign_out_by_its_ttl(deploy_example: Callable[..., Api], api: Api) -> None:
    orders = deploy_example("asks-rarely", api, TTL)
    token = api.sign_in("Cached").body["session_token"]
    asked = time.monotonic()
    assert orders.call("GET", "/whoami", token=token).status == 200

    api.sign_out(token)

    status = orders.call("GET", "/whoami", token=token).status
    assert status == 200 or time.monotonic() - asked > TTL  # a machine this busy shows nothing
    wait_for(lambda: orders.call("GET", "/whoami", token=token).status == 403 or None)


def test_failing_database_is_a_500(
    deploy: Callable[..., Api], deploy_example: Callable[..., Api], aws: Callable[[str], Any]
) -> None:
    without_table = deploy("authorizer-without-table")
    orders = deploy_example("asks-in-vain", without_table, 0)
    token = without_table.sign_in("Claude").body["session_token"]
    assert orders.call("GET", "/whoami", token=token).status == 200

    aws("dynamodb").delete_table(TableName=without_table.outputs["SessionsTableName"])

    assert orders.call("GET", "/whoami", token=token).status == 500
