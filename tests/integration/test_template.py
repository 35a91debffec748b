"""template.yaml against the code, the README and the design."""

import re
from typing import Any

import pytest

from agent_sessions.settings import VARIABLES, Settings
from agent_sessions.store import IDENTITY_INDEX
from tests.contract import DOCUMENT
from tools.openapi.document import document
from tools.template import PARAMETERS, RESOURCES, ROOT, TEMPLATE, function_environment, resources

README = (ROOT / "README.md").read_text()
FUNCTIONS = ("SessionsFunction", "AgentsFunction", "ReportFunction")
# AWS gives these no resource to name.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
WITHOUT_RESOURCE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "cloudwatch:PutMetricData"}


def statements(role: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in RESOURCES[role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_it_is_under_400_lines() -> None:
    assert len((ROOT / "template.yaml").read_text().splitlines()) < 400


def test_every_parameter_and_output_is_described() -> None:
    for name, each in {**PARAMETERS, **TEMPLATE["Outputs"]}.items():
        assert len(each["Description"]) > 10, name


def test_the_readme_tells_every_parameter_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^`|]*)`? \|", README, re.MULTILINE))

    told = {name: rows.get(name, "").strip() for name in PARAMETERS}
    assert told == {name: str(each["Default"]) or "none" for name, each in PARAMETERS.items()}


def test_the_readme_tells_every_route() -> None:
    told = {row.partition("?")[0] for row in re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", README, re.MULTILINE)}

    assert told == {each["RouteKey"] for each in resources("AWS::ApiGatewayV2::Route").values()}


def test_the_defaults_of_the_template_are_those_of_the_code() -> None:
    settings = Settings.from_environment(function_environment())
    defaults = Settings(agents_table="AgentsTable", sessions_table="SessionsTable")

    assert settings == defaults


def test_every_setting_is_set_by_the_template() -> None:
    assert set(VARIABLES.values()) <= set(function_environment())


def test_the_routes_are_those_of_the_document() -> None:
    routes = {each["RouteKey"] for each in resources("AWS::ApiGatewayV2::Route").values()}

    assert routes == {f"{method.upper()} {path}" for path, each in DOCUMENT["paths"].items() for method in each}


def test_the_document_is_up_to_date() -> None:
    assert document() == DOCUMENT, "run `make openapi`"


def test_only_the_routes_of_a_token_and_health_are_open() -> None:
    kinds = {each["RouteKey"]: each["AuthorizationType"] for each in resources("AWS::ApiGatewayV2::Route").values()}
    open_routes = {route for route, kind in kinds.items() if kind == "NONE"}

    assert open_routes == {"GET /sessions/current", "DELETE /sessions/current", "GET /health"}
    assert all(kind == {"Ref": "ApiAuth"} for route, kind in kinds.items() if route not in open_routes)


@pytest.mark.parametrize("role", sorted(resources("AWS::IAM::Role")))
def test_no_permission_has_a_wildcard(role: str) -> None:
    for statement in statements(role):
        actions = listed(statement["Action"])
        assert not [action for action in actions if "*" in action]
        if statement["Resource"] == "*":
            assert set(actions) <= WITHOUT_RESOURCE


def test_metrics_are_put_into_one_namespace_only() -> None:
    (statement,) = [each for each in statements("ReportRole") if "cloudwatch:PutMetricData" in listed(each["Action"])]

    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "AgentSessions"}}


def test_only_the_report_may_scan_and_it_may_write_no_item() -> None:
    actions = {
        role: {action for statement in statements(role) for action in listed(statement["Action"])}
        for role in resources("AWS::IAM::Role")
    }

    assert [role for role, may in actions.items() if "dynamodb:Scan" in may] == ["ReportRole"]
    assert {action for action in actions["ReportRole"] if action.startswith("dynamodb:")} == {"dynamodb:Scan"}


@pytest.mark.parametrize("table", ["AgentsTable", "SessionsTable"])
def test_tables_are_on_demand_encrypted_recoverable_and_kept(table: str) -> None:
    properties = RESOURCES[table]["Properties"]

    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert RESOURCES[table]["DeletionPolicy"] == RESOURCES[table]["UpdateReplacePolicy"] == "Retain"


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


def test_access_logs_have_no_path_and_no_query() -> None:
    log_format = RESOURCES["ApiStage"]["Properties"]["AccessLogSettings"]["Format"]

    assert not re.search(r"\$context\.(path|http\.path|requestOverride|authorizer)|querystring", log_format)
