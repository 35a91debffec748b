"""With LifecycleEvents, what agents and owners do arrives at the target of a rule on the default bus."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.conftest import Api, let_report_put_metrics, wait_for
from tools.dashboard.emulated import physical_ids


@dataclass
class Target:
    """A queue that a rule for all lifecycle events sends to."""

    sqs: Any
    url: str
    received: list[dict[str, Any]] = field(default_factory=list)

    def wait_for(self, detail_type: str, session_id: str | None = None, agent_id: str | None = None) -> dict[str, Any]:
        """Return the next event of a kind about a session or an agent; others stay for later."""

        def find() -> dict[str, Any] | None:
            for message in self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                self.received.append(json.loads(message["Body"]))
            for event in self.received:
                detail = event["detail"]
                if event["detail-type"] == detail_type and (
                    detail.get("session_id") == session_id if session_id else detail["agent_id"] == agent_id
                ):
                    self.received.remove(event)
                    return event
            return None

        return wait_for(find)


@pytest.fixture
def target(publishing: Api, aws: Callable[[str], Any]) -> Target:
    sqs, events = aws("sqs"), aws("events")
    url = sqs.create_queue(QueueName="lifecycle-target")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="lifecycle", EventPattern=json.dumps({"source": ["agent-sessions"]}))
    events.put_targets(Rule="lifecycle", Targets=[{"Id": "queue", "Arn": arn}])
    return Target(sqs, url)


def test_what_happens_to_agents_and_sessions_arrives_at_a_rule(publishing: Api, target: Target) -> None:
    session = publishing.sign_in("Claude", context="Project A", metadata={"model": "opus"}).body
    agent_id, session_id = session["agent_id"], session["session_id"]

    created = target.wait_for("Agent Created", agent_id=agent_id)
    assert created["source"] == "agent-sessions"
    assert created["detail"]["display_name"] == "Claude - Project A"
    started = target.wait_for("Session Started", session_id)
    assert started["detail"]["metadata"] == {"model": "opus"}
    assert started["detail"]["sign_in_number"] == 1

    publishing.request("update_agent_session", {"stop_requested": "enough"}, agent_id=agent_id, session_id=session_id)
    stop = target.wait_for("Stop Requested", session_id)
    assert stop["detail"]["stop_requested"]["reason"] == "enough"

    publishing.sign_out(session["session_token"])
    assert target.wait_for("Session Ended", session_id)["detail"]["reason"] == "ended"

    publishing.request("update_agent", {"blocked": True}, agent_id=agent_id)
    assert target.wait_for("Agent Blocked", agent_id=agent_id)["detail"]["blocked"] is True
    publishing.request("update_agent", {"blocked": False}, agent_id=agent_id)
    target.wait_for("Agent Unblocked", agent_id=agent_id)
    publishing.request("delete_agent", agent_id=agent_id)
    target.wait_for("Agent Deleted", agent_id=agent_id)


def test_expiry_arrives_with_the_next_report(publishing: Api, target: Target, aws: Callable[[str], Any]) -> None:
    ids = physical_ids(aws, "publishing")
    dynamodb = aws("dynamodb")
    # The emulator's TTL would delete the item too, once a minute, and its stream would not show that.
    dynamodb.update_time_to_live(
        TableName=ids["SessionsTable"], TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"}
    )
    session = publishing.sign_in("Sleeper").body
    dynamodb.update_item(
        TableName=ids["SessionsTable"],
        Key={name: {"S": session[name]} for name in ("agent_id", "session_id")},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 1)}},
    )
    let_report_put_metrics(aws, ids["ReportFunction"])

    response = aws("lambda").invoke(FunctionName=ids["ReportFunction"])

    assert "FunctionError" not in response, response["Payload"].read()
    assert target.wait_for("Session Ended", session["session_id"])["detail"]["reason"] == "expired"


def test_event_that_the_bus_refuses_is_in_the_queue(publishing: Api, aws: Callable[[str], Any]) -> None:
    ids, iam, sqs = physical_ids(aws, "publishing"), aws("iam"), aws("sqs")
    denied = {"Effect": "Deny", "Action": "events:PutEvents", "Resource": "*"}
    policy = {"RoleName": ids["LifecycleRole"], "PolicyName": "no-events"}
    iam.put_role_policy(**policy, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
    try:
        session = publishing.sign_in("Unheard").body

        def queued() -> dict[str, Any] | None:
            for message in sqs.receive_message(QueueUrl=ids["LifecycleDeadLetters"]).get("Messages", []):
                event = dict(json.loads(message["Body"]))
                if event["DetailType"] == "Session Started":
                    return event
            return None

        detail = json.loads(wait_for(queued)["Detail"])
    finally:
        iam.delete_role_policy(**policy)
        sqs.purge_queue(QueueUrl=ids["LifecycleDeadLetters"])
    assert detail["session_id"] == session["session_id"]
