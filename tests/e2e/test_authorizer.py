"""examples/authorizer.yaml: another API admits only agents with a live session."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import Api, wait_for
from tests.support.tokens import token_of
from tools import ROOT
from tools.local import service
from tools.local.emulator import Emulator

TTL = 3


class Example:
    """Deploys the example, and calls it."""

    def __init__(self, emulator: Emulator, cloudformation: Any, service: Api) -> None:
        self._emulator = emulator
        self._cloudformation = cloudformation
        self._service = service

    def deploy(self, name: str, ttl: int) -> Api:
        parameters = {"AuthorizerArn": self._service.outputs["AuthorizerArn"], "AuthorizerTtlSeconds": str(ttl)}
        self._cloudformation.create_stack(
            StackName=name,
            TemplateBody=(ROOT / "examples/authorizer.yaml").read_text(),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        self._cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        (made,) = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        (url,) = [each["OutputValue"] for each in made["Outputs"]]
        return Api(self._emulator.api_url(url))


@pytest.fixture
def example(emulator: Emulator, aws: Callable[[str], Any], api: Api) -> Example:
    return Example(emulator, aws("cloudformation"), api)


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


def test_cached_decision_outlives_sign_out_by_its_ttl(example: Example, api: Api) -> None:
    orders = example.deploy("asks-rarely", TTL)
    token = api.sign_in("Cached").body["session_token"]
    asked = time.monotonic()
    assert orders.call("GET", "/whoami", token=token).status == 200

    api.sign_out(token)

    status = orders.call("GET", "/whoami", token=token).status
    assert status == 200 or time.monotonic() - asked > TTL  # a machine this busy shows nothing
    wait_for(lambda: orders.call("GET", "/whoami", token=token).status == 403 or None)


def test_failing_database_is_a_500(emulator: Emulator, deploy: Callable[..., Api], aws: Callable[[str], Any]) -> None:
    without_table = deploy("authorizer-without-table")
    orders = Example(emulator, aws("cloudformation"), without_table).deploy("asks-in-vain", 0)
    token = without_table.sign_in("Claude").body["session_token"]
    assert orders.call("GET", "/whoami", token=token).status == 200

    aws("dynamodb").delete_table(TableName=without_table.outputs["SessionsTableName"])

    assert orders.call("GET", "/whoami", token=token).status == 500
