"""template.yaml against the code, the README and the design."""

import re

import pytest

from agent_sessions.dynamodb.agents_table import IDENTITY_INDEX
from agent_sessions.settings import VARIABLES, Settings
from tests.guards.permissions import ALLOWED, needed_by_lambda
from tools import ROOT
from tools.cloudformation import (
    PARAMETERS,
    RESOURCES,
    TEMPLATE,
    Permission,
    function_environment,
    permissions,
    resources,
    statements,
)

README = (ROOT / "README.md").read_text()
FUNCTIONS = ("SessionsFunction", "AgentsFunction", "ReportFunction")
ROLES = sorted(resources("AWS::IAM::Role"))
# AWS gives these no resource to name.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
WITHOUT_RESOURCE = {
    Permission(action, "*")
    for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords", "cloudwatch:PutMetricData")
}


def test_it_is_under_400_lines() -> None:
    assert len((ROOT / "template.yaml").read_text().splitlines()) < 400


def test_every_parameter_and_output_is_described() -> None:
    for name, each in {**PARAMETERS, **TEMPLATE["Outputs"]}.items():
        assert len(each["Description"]) > 10, name


def test_the_readme_tells_every_parameter_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^`|]*)`? \|", README, re.MULTILINE))

    told = {name: rows.get(name, "").strip() for name in PARAMETERS}
    assert told == {name: str(each["Default"]) or "none" for name, each in PARAMETERS.items()}


def test_the_defaults_of_the_template_are_those_of_the_code() -> None:
    settings = Settings.from_environment(function_environment())
    defaults = Settings(agents_table="AgentsTable", sessions_table="SessionsTable")

    assert settings == defaults


def test_every_setting_is_set_by_the_template() -> None:
    assert set(VARIABLES.values()) <= set(function_environment())


def test_no_permission_has_a_wildcard_but_those_to_which_aws_gives_no_resource() -> None:
    everything = {permission for role in ROLES for permission in permissions(role)}

    assert {permission for permission in everything if re.search(r"[*?]", "".join(permission))} == WITHOUT_RESOURCE


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_do_is_all_in_its_own_statements(role: str) -> None:
    assert set(RESOURCES[role]["Properties"]) == {"AssumeRolePolicyDocument", "Policies"}, "no managed policy"
    for statement in statements(role):
        assert statement["Effect"] == "Allow"
        assert set(statement) <= {"Effect", "Action", "Resource", "Condition"}


def test_roles_alone_permit() -> None:
    assert {each["Type"] for each in RESOURCES.values() if each["Type"].startswith("AWS::IAM::")} == {"AWS::IAM::Role"}
    for function in FUNCTIONS:
        assert not {"Policies", "Connectors", "Events"} & set(RESOURCES[function]["Properties"])


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_taken_by_one_service_only(role: str) -> None:
    (statement,) = RESOURCES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    service = "scheduler" if role == "ReportScheduleRole" else "lambda"

    assert (statement["Principal"], statement["Action"]) == ({"Service": f"{service}.amazonaws.com"}, "sts:AssumeRole")


def test_metrics_are_put_into_one_namespace_only() -> None:
    (statement,) = [each for each in statements("ReportRole") if each["Action"] == "cloudwatch:PutMetricData"]

    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "AgentSessions"}}


def test_only_the_report_may_scan_and_it_may_write_nothing_but_its_metric() -> None:
    scanning = {role for role in ROLES for permission in permissions(role) if permission.action == "dynamodb:Scan"}

    assert scanning == {"ReportRole"}
    assert permissions("ReportRole") - needed_by_lambda("activity_report") == {
        Permission("dynamodb:Scan", "SessionsTable"),
        Permission("cloudwatch:PutMetricData", "*"),
    }


@pytest.mark.parametrize("function", sorted(ALLOWED))
def test_lambda_may_do_what_it_does_as_the_role_of_a_function(function: str) -> None:
    # What the function itself does and may do is compared when the whole suite has run: tests/guards/permissions.py.
    assert needed_by_lambda(function) <= ALLOWED[function]


def test_the_schedule_may_only_run_the_report_and_keep_what_failed() -> None:
    assert permissions("ReportScheduleRole") == {
        Permission("lambda:InvokeFunction", "ReportFunction"),
        Permission("sqs:SendMessage", "ReportDeadLetters"),
    }


def test_each_rule_that_is_left_out_has_its_reason_beside_it() -> None:
    left_out = (ROOT / ".checkov.yaml").read_text().partition("skip-check:\n")[2].splitlines()

    assert left_out
    assert [line for line in left_out if not re.fullmatch(r"  - CKV\w+ +# \w.{20,}", line)] == []
    # Nothing else leaves a rule out: neither a comment or metadata of the template, nor a file of cfn-lint's.
    for template in ("template.yaml", "stacks/monitoring.yaml"):
        assert not re.search(r"checkov:|cfn-lint:", (ROOT / template).read_text())
        assert template in (ROOT / ".checkov.yaml").read_text()
    assert not [path for path in ROOT.glob(".cfnlint*") if path.is_file()]
    assert "cfn-lint template.yaml stacks/*.yaml\n" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("table", ["AgentsTable", "SessionsTable"])
def test_tables_are_on_demand_encrypted_recoverable_and_kept(table: str) -> None:
    properties = RESOURCES[table]["Properties"]

    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["KeepTables", True, False]}
    assert RESOURCES[table]["DeletionPolicy"] == {"Fn::If": ["KeepTables", "Retain", "Delete"]}
    assert RESOURCES[table]["UpdateReplacePolicy"] == "Retain"


def test_the_index_and_the_ttl_are_those_of_the_code() -> None:
    (index,) = RESOURCES["AgentsTable"]["Properties"]["GlobalSecondaryIndexes"]

    assert index["IndexName"] == IDENTITY_INDEX
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert "GlobalSecondaryIndexes" not in RESOURCES["SessionsTable"]["Properties"]
    assert RESOURCES["SessionsTable"]["Properties"]["TimeToLiveSpecification"]["AttributeName"] == "expires_at"


@pytest.mark.parametrize("group", sorted(resources("AWS::Logs::LogGroup")))
def test_every_log_ends_some_day(group: str) -> None:
    assert RESOURCES[group]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_logs_to_its_own_group_under_its_own_role(function: str) -> None:
    properties = RESOURCES[function]["Properties"]

    assert properties["LoggingConfig"]["LogGroup"]["Ref"].endswith("Logs")
    assert len({str(RESOURCES[each]["Properties"]["Role"]) for each in FUNCTIONS}) == len(FUNCTIONS)


def test_access_logs_have_no_path_no_query_and_no_header() -> None:
    log_format = RESOURCES["ApiStage"]["Properties"]["AccessLogSettings"]["Format"]

    assert set(re.findall(r"\$(?:context\.)?([\w.]+)", log_format)) == {
        "requestTimeEpoch",
        "requestId",
        "identity.sourceIp",
        "routeKey",
        "status",
        "responseLatency",
        "integrationStatus",
        "error.message",
    }
