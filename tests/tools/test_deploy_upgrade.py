"""`make deploy` over a stack of 0.1 stops with one sentence, before anything is built."""

from types import SimpleNamespace
from typing import Any, cast

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tools.deploy import DeployError, Deployment, refuse_old_stack

DEPLOYMENT = Deployment("agent-sessions", "eu-west-1", {}, guided=False)
ASKED = {"StackName": DEPLOYMENT.stack, "LogicalResourceId": "Operations"}


@pytest.fixture
def cloudformation() -> Stubber:
    client: Any = botocore.session.Session().create_client(
        "cloudformation", region_name=DEPLOYMENT.region, aws_access_key_id="test", aws_secret_access_key="test"
    )
    return Stubber(client)


def refuse(stub: Stubber) -> None:
    session = SimpleNamespace(create_client=lambda *_, **__: stub.client)
    with stub:
        refuse_old_stack(cast("botocore.session.Session", session), DEPLOYMENT)
    stub.assert_no_pending_responses()


def test_stack_of_0_1_is_refused(cloudformation: Stubber) -> None:
    detail = {
        "LogicalResourceId": "Operations",
        "ResourceType": "AWS::CloudFormation::Stack",
        "LastUpdatedTimestamp": "2026-11-22T12:00:00Z",
        "ResourceStatus": "CREATE_COMPLETE",
    }
    cloudformation.add_response("describe_stack_resource", {"StackResourceDetail": detail}, ASKED)

    with pytest.raises(DeployError, match=r"is of version 0\.1.*delete it first"):
        refuse(cloudformation)


def test_stack_without_that_resource_and_missing_stack_are_accepted(cloudformation: Stubber) -> None:
    cloudformation.add_client_error("describe_stack_resource", "ValidationError", expected_params=ASKED)

    refuse(cloudformation)


def test_other_errors_are_raised(cloudformation: Stubber) -> None:
    cloudformation.add_client_error("describe_stack_resource", "AccessDenied")

    with pytest.raises(ClientError, match="AccessDenied"):
        refuse(cloudformation)
