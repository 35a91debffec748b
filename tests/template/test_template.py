"""template.yaml agrees with the code, the README and the OpenAPI document, and grants least privilege."""

import json
import re

import pytest

from agent_sessions.dynamodb import sessions_by_owner
from agent_sessions.dynamodb.agents_table import IDENTITY_INDEX, OWNER_INDEX
from agent_sessions.settings import VARIABLES, Settings
from tests.guards.permissions import ALLOWED, needed_by_lambda
from tools import ROOT
from tools.cloudformation import (
    COGNITO,
    DOMAIN,
    MONITORING,
    PARAMETERS,
    RESOURCES,
    TEMPLATE,
    Permission,
    access_log_format,
    function_environment,
    permissions,
    resources,
    statements,
)

README = (ROOT / "README.md").read_text()
FUNCTIONS = (
    "SessionsFunction",
    "AgentsFunction",
    "McpFunction",
    "AuthorizerFunction",
    "OperatorFunction",
    "ReportFunction",
    "LifecycleFunction",
)
ROLES = sorted(resources("AWS::IAM::Role"))
# These actions support no resource-level permissions.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
ANY_RESOURCE = {
    Permission(action, "*")
    for action in (
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "cloudwatch:PutMetricData",
        "dynamodb:ListStreams",
    )
}


def sections() -> dict[str, list[str]]:
    """Return the logical ids under each banner of the template's resources, in order."""
    _, *parts = re.split(r"^  # =+\n  # (.+)\n  # =+\n", (ROOT / "template.yaml").read_text(), flags=re.MULTILINE)
    bodies = [body.split("\nOutputs:\n")[0] for body in parts[1::2]]
    return {
        title: re.findall(r"^  (\w+):$", body, re.MULTILINE) for title, body in zip(parts[::2], bodies, strict=True)
    }


def test_every_resource_is_under_a_banner() -> None:
    assert [name for names in sections().values() for name in names] == list(RESOURCES)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_resources_of_a_function_are_in_its_section(function: str) -> None:
    (section,) = [names for names in sections().values() if function in names]
    prefix = function.removesuffix("Function")
    integration = {"Fn::Sub": f"integrations/${{{prefix}Integration}}"}
    routes = {name for name, each in resources("AWS::ApiGatewayV2::Route").items() if each["Target"] == integration}
    named = {name for name in RESOURCES if re.fullmatch(rf"{prefix}(?!Table)\w+(?<!Route)|ApiMayInvoke{prefix}", name)}

    assert section[0] == function
    assert set(section) == named | routes


def test_every_parameter_and_output_has_a_description() -> None:
    for template in (TEMPLATE, MONITORING, DOMAIN, COGNITO):
        for name, each in {**template["Parameters"], **template["Outputs"]}.items():
            assert re.fullmatch(r"[A-Z].{10,}", each["Description"]), name


def test_parameter_groups_list_every_parameter_in_order() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert [name for group in groups for name in group["Parameters"]] == list(PARAMETERS)


def test_readme_lists_every_parameter_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^`|]*)`? \|", README, re.MULTILINE))

    listed = {name: rows.get(name, "").strip() for name in PARAMETERS}
    assert listed == {name: str(each["Default"]) or "none" for name, each in PARAMETERS.items()}


def test_template_and_code_have_equal_defaults() -> None:
    settings = Settings.from_environment(function_environment())
    defaults = Settings(agents_table="AgentsTable", sessions_table="SessionsTable")

    assert settings == defaults


def test_template_sets_every_setting() -> None:
    own = [each.get("Environment", {}).get("Variables", {}) for each in resources("AWS::Serverless::Function").values()]

    assert set(VARIABLES.values()) <= set(function_environment()).union(*own)


def test_wildcards_only_for_actions_without_resources() -> None:
    everything = {permission for role in ROLES for permission in permissions(role)}

    assert {permission for permission in everything if re.search(r"[*?]", "".join(permission))} == ANY_RESOURCE


@pytest.mark.parametrize("role", ROLES)
def test_role_has_only_inline_allow_statements(role: str) -> None:
    assert set(RESOURCES[role]["Properties"]) == {"AssumeRolePolicyDocument", "Policies"}, "no managed policy"
    for statement in statements(role):
        assert statement["Effect"] == "Allow"
        assert set(statement) <= {"Effect", "Action", "Resource", "Condition"}


def test_permissions_come_only_from_roles() -> None:
    assert {each["Type"] for each in RESOURCES.values() if each["Type"].startswith("AWS::IAM::")} == {"AWS::IAM::Role"}
    for function in FUNCTIONS:
        assert not {"Policies", "Connectors", "Events"} & set(RESOURCES[function]["Properties"])


@pytest.mark.parametrize("role", ROLES)
def test_role_is_assumed_by_one_service(role: str) -> None:
    (statement,) = RESOURCES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    service = "scheduler" if role == "ReportScheduleRole" else "lambda"

    assert (statement["Principal"], statement["Action"]) == ({"Service": f"{service}.amazonaws.com"}, "sts:AssumeRole")


def test_report_puts_metrics_in_one_namespace() -> None:
    (statement,) = [each for each in statements("ReportRole") if each["Action"] == "cloudwatch:PutMetricData"]

    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "AgentSessions"}}


def test_operator_is_behind_no_route_and_only_iam_lets_it_be_invoked() -> None:
    assert not [
        name
        for name in RESOURCES
        if "Operator" in name and name not in ("OperatorFunction", "OperatorRole", "OperatorLogs")
    ]
    permitted = [each["FunctionName"] for each in resources("AWS::Lambda::Permission").values()]
    assert not [each for each in permitted if "Operator" in str(each)]


def test_operator_reads_and_ends_sessions_and_creates_nothing() -> None:
    actions = {permission.action for permission in permissions("OperatorRole") - needed_by_lambda("operator")}

    assert not {"dynamodb:PutItem", "dynamodb:BatchGetItem"} & {
        each.action for each in permissions("OperatorRole") if each.resource == "AgentsTable"
    }
    assert {action for action in actions if not action.startswith("dynamodb:")} == set()
    assert "dynamodb:UpdateItem" not in {
        each.action for each in permissions("OperatorRole") if each.resource == "SessionsTable"
    }


def test_only_report_and_operator_scan_and_report_writes_only_metrics_and_deletes() -> None:
    scanning = {role for role in ROLES for permission in permissions(role) if permission.action == "dynamodb:Scan"}

    assert scanning == {"ReportRole", "OperatorRole"}
    assert permissions("ReportRole") - needed_by_lambda("activity_report") == {
        Permission("dynamodb:Scan", "SessionsTable"),
        Permission("dynamodb:DeleteItem", "SessionsTable"),
        Permission("cloudwatch:PutMetricData", "*"),
    }


@pytest.mark.parametrize("function", sorted(ALLOWED))
def test_role_allows_what_lambda_itself_does(function: str) -> None:
    # tests/guards/permissions.py compares the calls of the function itself after the whole suite has run.
    assert needed_by_lambda(function) <= ALLOWED[function]


def test_schedule_role_only_invokes_report_and_queues_failures() -> None:
    assert permissions("ReportScheduleRole") == {
        Permission("lambda:InvokeFunction", "ReportFunction"),
        Permission("sqs:SendMessage", "ReportDeadLetters"),
    }


def test_every_use_of_a_table_is_of_the_restored_one() -> None:
    text = (ROOT / "template.yaml").read_text()
    own = re.findall(
        r"^.*\bGetAtt (?:Agents|Sessions)Table\.Arn.*$|^.*\.Arn\}(?!\$\{RestoredSuffix\}).*/index.*$", text, re.M
    )

    assert own == []
    # The identity of a table in the version's description is that of the stack's own, followed by the suffix.
    uses = re.findall(r"!Ref (?:Agents|Sessions)Table\b.*", text)
    assert {each[-2:] for each in uses} == {"]]"}


def test_lifecycle_events_are_one_condition_for_streams_function_queue_and_deletions() -> None:
    conditional = {name for name, each in RESOURCES.items() if each.get("Condition") == "PublishEvents"}

    assert conditional == {name for name in RESOURCES if name.startswith("Lifecycle")}
    for table in ("AgentsTable", "SessionsTable"):
        assert RESOURCES[table]["Properties"]["StreamSpecification"] == {
            "Fn::If": ["PublishEvents", {"StreamViewType": "NEW_AND_OLD_IMAGES"}, {"Ref": "AWS::NoValue"}]
        }
    policies = RESOURCES["ReportRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    (deleting,) = [each["Fn::If"] for each in policies if "Fn::If" in each]
    assert (deleting[0], deleting[1]["Action"]) == ("PublishEvents", "dynamodb:DeleteItem")
    assert RESOURCES["ReportFunction"]["Properties"]["Environment"]["Variables"] == {
        "LIFECYCLE_EVENTS": {"Ref": "LifecycleEvents"}
    }


@pytest.mark.parametrize("mapping", sorted(resources("AWS::Lambda::EventSourceMapping")))
def test_a_batch_of_the_stream_fails_in_parts_and_ends_in_the_queue(mapping: str) -> None:
    properties = RESOURCES[mapping]["Properties"]

    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["BisectBatchOnFunctionError"] is True
    # From the beginning: the first changes after the option is switched on are events too.
    assert properties["StartingPosition"] == "TRIM_HORIZON"
    assert properties["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["LifecycleDeadLetters", "Arn"]
    }
    # Each attempt may take the function's whole time, and records are kept for a day.
    assert properties["MaximumRetryAttempts"] * RESOURCES["LifecycleFunction"]["Properties"]["Timeout"] < 86400
    assert properties["MaximumRecordAgeInSeconds"] < 86400


def test_every_skipped_lint_rule_has_a_reason() -> None:
    skipped = (ROOT / ".checkov.yaml").read_text().partition("skip-check:\n")[2].splitlines()

    assert skipped
    assert [line for line in skipped if not re.fullmatch(r"  - CKV\w+ +# \w.{20,}", line)] == []
    # Nothing else skips a rule: no comment or metadata of a template, no configuration file of cfn-lint.
    for template in ("template.yaml", "stacks/monitoring.yaml", "stacks/domain.yaml"):
        assert not re.search(r"checkov:|cfn-lint:|yamllint ", (ROOT / template).read_text())
        assert template in (ROOT / ".checkov.yaml").read_text()
    assert not [path for path in ROOT.glob(".cfnlint*") if path.is_file()]
    assert "cfn-lint template.yaml stacks/*.yaml examples/*.yaml\n" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("table", ["AgentsTable", "SessionsTable"])
def test_table_is_on_demand_encrypted_recoverable_and_retained(table: str) -> None:
    properties = RESOURCES[table]["Properties"]

    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["KeepTables", True, False]}
    assert RESOURCES[table]["DeletionPolicy"] == {"Fn::If": ["KeepTables", "Retain", "Delete"]}
    assert RESOURCES[table]["UpdateReplacePolicy"] == "Retain"


def test_index_and_ttl_equal_those_of_the_code() -> None:
    indexes = {
        table: {each["IndexName"]: each for each in RESOURCES[table]["Properties"]["GlobalSecondaryIndexes"]}
        for table in ("AgentsTable", "SessionsTable")
    }

    assert set(indexes["AgentsTable"]) == {IDENTITY_INDEX, OWNER_INDEX}
    assert all(each["Projection"] == {"ProjectionType": "KEYS_ONLY"} for each in indexes["AgentsTable"].values())
    # Only attributes that no touch writes: an index that a touch changes would double its price.
    assert set(indexes["SessionsTable"]) == {sessions_by_owner.OWNER_INDEX}
    projection = indexes["SessionsTable"]["owner-index"]["Projection"]
    assert set(projection["NonKeyAttributes"]) == {"ends_at", "created_at"}
    assert RESOURCES["SessionsTable"]["Properties"]["TimeToLiveSpecification"]["AttributeName"] == "expires_at"


@pytest.mark.parametrize("group", sorted(resources("AWS::Logs::LogGroup")))
def test_log_group_has_retention(group: str) -> None:
    assert RESOURCES[group]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_has_its_own_log_group_and_role(function: str) -> None:
    properties = RESOURCES[function]["Properties"]

    assert properties["LoggingConfig"]["LogGroup"]["Ref"].endswith("Logs")
    assert len({str(RESOURCES[each]["Properties"]["Role"]) for each in FUNCTIONS}) == len(FUNCTIONS)


@pytest.mark.parametrize(("jwt", "caller"), [(False, "identity.userArn"), (True, "authorizer.claims.sub")])
def test_access_log_has_caller_but_no_path_query_or_header(jwt: bool, caller: str) -> None:
    assert set(re.findall(r"\$(?:context\.)?([\w.]+)", access_log_format(jwt=jwt))) == {
        "requestId",
        "identity.sourceIp",
        "routeKey",
        "status",
        "responseLatency",
        "integrationErrorMessage",
        "authorizer.error",
        caller,
    }


@pytest.mark.parametrize("jwt", [False, True])
def test_access_log_line_is_json(jwt: bool) -> None:
    line = json.loads(re.sub(r"\$context\.[A-Za-z.]*[A-Za-z]", "-", access_log_format(jwt=jwt)))

    assert set(line.values()) == {"-"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_lambda_writes_only_lines_about_failures_and_drops_no_metrics(function: str) -> None:
    logging = RESOURCES[function]["Properties"]["LoggingConfig"]

    assert logging["SystemLogLevel"] == "WARN"
    # Lambda treats lines without a level as INFO.
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    assert (logging["LogFormat"], logging["ApplicationLogLevel"]) == ("JSON", "INFO")
