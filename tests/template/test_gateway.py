"""What API Gateway decides before a function runs: rates, web pages of other origins, and which names reach the API."""

from typing import Any

import pytest

from tools.cloudformation import DOMAIN, RESOURCES, TEMPLATE, resources
from tools.openapi.routes import ALL_ROUTES

STAGE = RESOURCES["ApiStage"]
ROUTE_IDS = {each["RouteKey"]: name for name, each in resources("AWS::ApiGatewayV2::Route").items()}
NO_VALUE = {"Ref": "AWS::NoValue"}


def cors() -> dict[str, Any]:
    """Return the configuration for the case that the parameter names origins."""
    condition, allowed, otherwise = RESOURCES["Api"]["Properties"]["CorsConfiguration"]["Fn::If"]
    assert (condition, otherwise) == ("AllowOrigins", NO_VALUE)
    settings: dict[str, Any] = allowed
    return settings


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("route", ["POST /sessions", "POST /mcp"])
def test_sign_in_has_a_rate_of_its_own(route: str) -> None:
    settings = STAGE["Properties"]["RouteSettings"][route]

    assert settings["ThrottlingRateLimit"] == {"Ref": "SignInThrottleRate"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "SignInThrottleBurst"}


def test_settings_of_a_route_repeat_all_default_settings() -> None:
    # API Gateway replaces the default settings by them, and does not merge both.
    defaults = STAGE["Properties"]["DefaultRouteSettings"]

    for settings in STAGE["Properties"]["RouteSettings"].values():
        assert set(settings) == set(defaults)
        assert settings["DetailedMetricsEnabled"] == defaults["DetailedMetricsEnabled"]


def test_stage_is_created_after_every_route_with_settings() -> None:
    # Otherwise: "Unable to find Route by key … within the provided RouteSettings".
    assert {ROUTE_IDS[key] for key in STAGE["Properties"]["RouteSettings"]} == set(listed(STAGE["DependsOn"]))


def test_no_route_takes_every_method() -> None:
    # One with an authorizer would refuse the preflight requests of browsers, which carry no credentials.
    assert not [key for key in ROUTE_IDS if key.startswith(("ANY ", "OPTIONS ", "$default"))]


def test_cors_allows_exactly_the_methods_in_use() -> None:
    assert set(cors()["AllowMethods"]) == {route.method for route in ALL_ROUTES}


def test_cors_names_headers_and_origins() -> None:
    assert cors()["AllowOrigins"] == {"Ref": "CorsOrigins"}
    assert {"authorization", "content-type", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"} <= set(
        cors()["AllowHeaders"]
    )
    assert set(cors()["ExposeHeaders"]) == {"location", "retry-after"}
    # A wildcard excludes authorization, and credentials are not cookies here.
    assert "*" not in [*cors()["AllowHeaders"], *cors()["AllowMethods"], *cors()["ExposeHeaders"]]
    assert "AllowCredentials" not in cors()


@pytest.mark.parametrize("parameter", ["CorsOrigins", "JwtScopes", "TruststoreUri"])
def test_access_parameters_are_empty_by_default(parameter: str) -> None:
    assert TEMPLATE["Parameters"][parameter]["Default"] == ""


def test_default_endpoint_can_be_disabled() -> None:
    assert RESOURCES["Api"]["Properties"]["DisableExecuteApiEndpoint"] == {"Ref": "DisableDefaultEndpoint"}


def test_mutual_tls_requires_a_domain_and_no_other_way_in() -> None:
    rule = TEMPLATE["Rules"]["MutualTlsRequiresDomainAlone"]

    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "TruststoreUri"}, ""]}]}
    assert [each["Assert"] for each in rule["Assertions"]] == [
        {"Fn::Not": [{"Fn::Equals": [{"Ref": "DomainName"}, ""]}]},
        {"Fn::Equals": [{"Ref": "DisableDefaultEndpoint"}, "true"]},
    ]


def test_domain_asks_for_client_certificates_only_with_a_truststore() -> None:
    condition, authentication, otherwise = DOMAIN["Resources"]["Domain"]["Properties"]["MutualTlsAuthentication"][
        "Fn::If"
    ]

    assert (condition, otherwise) == ("HasTruststore", NO_VALUE)
    assert authentication["TruststoreUri"] == {"Ref": "TruststoreUri"}
    assert set(DOMAIN["Parameters"]) == set(RESOURCES["Domain"]["Properties"]["Parameters"])
