"""CloudFormation refuses a parameter that the functions would refuse, before it deploys anything."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.cloudformation import PARAMETERS

TEMPLATE = json.dumps({"Parameters": PARAMETERS, "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})


@pytest.mark.parametrize("value", ["3153600000", "90.5", "1e3", "59", "", " 60"])
def test_lifetime_that_is_not_a_whole_number_in_bounds_is_refused(aws: Callable[[str], Any], value: str) -> None:
    parameter = {"ParameterKey": "LifetimeSeconds", "ParameterValue": value}

    with pytest.raises(ClientError, match=r"LifetimeSeconds.*must be a whole number from 60 to 999999999"):
        aws("cloudformation").create_stack(StackName="refused", TemplateBody=TEMPLATE, Parameters=[parameter])


def test_smallest_lifetime_is_accepted(aws: Callable[[str], Any]) -> None:
    parameter = {"ParameterKey": "LifetimeSeconds", "ParameterValue": "60"}
    cloudformation = aws("cloudformation")

    cloudformation.create_stack(StackName="accepted", TemplateBody=TEMPLATE, Parameters=[parameter])
    cloudformation.get_waiter("stack_create_complete").wait(StackName="accepted", WaiterConfig={"Delay": 1})
    cloudformation.delete_stack(StackName="accepted")
