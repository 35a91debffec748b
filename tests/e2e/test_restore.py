"""The runbook's restore procedure, as far as the emulator goes: it copies the present, not a moment of the past."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.e2e.conftest import Api

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SUFFIX = "-restored-1"


def restore(dynamodb: "DynamoDBClient", table: str) -> str:
    """Restore a table and set what a restore does not copy; return the ARN of its stream."""
    target = table + SUFFIX
    dynamodb.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=target, UseLatestRestorableTime=True)
    dynamodb.get_waiter("table_exists").wait(TableName=target, WaiterConfig={"Delay": 1})
    if "SessionsTable" in table:
        dynamodb.update_time_to_live(
            TableName=target, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
        )
    dynamodb.update_continuous_backups(
        TableName=target, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.update_table(TableName=target, DeletionProtectionEnabled=True)
    arn = dynamodb.describe_table(TableName=target)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "service", "Value": "agent-sessions"}])
    dynamodb.update_table(
        TableName=target, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    return dynamodb.describe_table(TableName=target)["Table"]["LatestStreamArn"]


def test_stack_continues_with_restored_tables(deploy: Callable[..., Api], dynamodb: "DynamoDBClient") -> None:
    before = deploy("restoring", LifecycleEvents="true")
    old = before.sign_in("Claude", context="Project A").body
    own = [before.outputs[f"{name}TableName"] for name in ("Agents", "Sessions")]

    streams = [restore(dynamodb, table) for table in own]
    time.sleep(1)  # times are whole seconds; the cutoff must be later than the sign-in
    cutoff = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    after = deploy(
        "restoring",
        LifecycleEvents="true",
        RestoredSuffix=SUFFIX,
        RestoredStreams=",".join(streams),
        SessionsNotBefore=cutoff,
    )

    assert [after.outputs[f"{name}TableName"] for name in ("Agents", "Sessions")] == [each + SUFFIX for each in own]
    # Restored, and dead: it may have ended after the moment to which the tables went back.
    assert after.validate(old["session_token"]).status == 401
    new = after.sign_in("claude", context="project a").body
    assert (new["agent_id"], new["reused"]) == (old["agent_id"], True)
    assert after.validate(new["session_token"]).status == 200
    assert after.found("agent_name=Claude&context=Project%20A")["created_at"] == old["created_at"]

    key: dict[str, Any] = {name: {"S": new[name]} for name in ("agent_id", "session_id")}
    assert "Item" in dynamodb.get_item(TableName=own[1] + SUFFIX, Key=key)
    assert "Item" not in dynamodb.get_item(TableName=own[1], Key=key)
