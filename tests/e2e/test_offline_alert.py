"""examples/agent_offline.yaml: an alert for an agent that has had no session for a while, and none before."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import Api, wait_for
from tests.e2e.deployment import Deployments
from tools.dashboard.emulated import physical_ids


@pytest.fixture
def watch(
    publishing: Api, deployments: Deployments, aws: Callable[[str], Any]
) -> Callable[[str], Callable[[], str | None]]:
    """Deploys the example for an agent; the result returns the next alert, or None."""

    def watch(agent_id: str) -> Callable[[], str | None]:
        parameters = {
            "SessionsTable": publishing.outputs["SessionsTableName"],
            "AgentId": agent_id,
            "Email": "ada@example.com",
            "OfflineSeconds": "0",
        }
        (topic,) = deployments.deploy_example("offline", "agent_offline", parameters).values()
        sqs, sns = aws("sqs"), aws("sns")
        url = sqs.create_queue(QueueName="alerts")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

        def next_alert() -> str | None:
            for message in sqs.receive_message(QueueUrl=url).get("Messages", []):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                return str(json.loads(message["Body"])["Message"])
            return None

        return next_alert

    return watch


def test_alert_comes_only_when_no_session_is_left(
    publishing: Api, watch: Callable[[str], Callable[[], str | None]], aws: Callable[[str], Any]
) -> None:
    one, two = (publishing.sign_in("Watched").body for _ in range(2))
    alert = watch(one["agent_id"])
    group = physical_ids(aws, "offline")["CheckLogs"]

    def has_checked() -> bool | None:
        lines = aws("logs").filter_log_events(logGroupName=group)["events"]
        return any(line["message"].startswith("REPORT") for line in lines) or None

    publishing.sign_out(one["session_token"])
    wait_for(has_checked)
    assert alert() is None

    publishing.sign_out(two["session_token"])
    assert wait_for(alert).startswith(f"Watched ({one['agent_id']}) went offline: ended at ")
    assert alert() is None
