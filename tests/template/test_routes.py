"""The table of routes against template.yaml and against the functions."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tools.cloudformation import RESOURCES, logical_function, resources
from tools.openapi.route import Auth, Route
from tools.openapi.routes import ALL_FUNCTIONS, ALL_ROUTES

DEPLOYED = {each["RouteKey"]: each for each in resources("AWS::ApiGatewayV2::Route").values()}
CONDITIONS = {
    each["Properties"]["RouteKey"]: each.get("Condition")
    for each in RESOURCES.values()
    if each["Type"] == "AWS::ApiGatewayV2::Route"
}
BY_THE_GATEWAY = {
    "AuthorizationType": {"Ref": "ApiAuth"},
    "AuthorizerId": {"Fn::If": ["UseJwt", {"Ref": "JwtAuthorizer"}, {"Ref": "AWS::NoValue"}]},
    "AuthorizationScopes": {"Fn::If": ["RequireScopes", {"Ref": "JwtScopes"}, {"Ref": "AWS::NoValue"}]},
}
BY_NOBODY = {"AuthorizationType": "NONE"}


def test_template_has_exactly_the_routes_of_the_table() -> None:
    assert {route.key: route.condition for route in ALL_ROUTES} == CONDITIONS


@pytest.mark.parametrize("route", ALL_ROUTES, ids=lambda route: route.key)
def test_route_has_the_authorization_of_the_table(route: Route) -> None:
    verified = {name: value for name, value in DEPLOYED[route.key].items() if name.startswith("Author")}

    assert verified == (BY_THE_GATEWAY if route.auth is Auth.GATEWAY else BY_NOBODY)


@pytest.mark.parametrize("route", ALL_ROUTES, ids=lambda route: route.key)
def test_route_invokes_the_function_of_the_table(route: Route) -> None:
    target = DEPLOYED[route.key]["Target"]["Fn::Sub"].removeprefix("integrations/").strip("${}")
    integration = RESOURCES[target]["Properties"]

    function = logical_function(route.function)
    alias = RESOURCES[function]["Properties"].get("AutoPublishAlias")
    of_alias, of_function = {"Fn::Sub": f"${{{function}.Arn}}:{alias}"}, {"Fn::GetAtt": [function, "Arn"]}
    assert integration["IntegrationUri"] == (of_alias if alias else of_function)


@pytest.mark.parametrize("function", ALL_FUNCTIONS)
def test_function_has_exactly_its_routes_of_the_table(
    load_function: Callable[[str], ModuleType], function: str
) -> None:
    api: Any = load_function(function).api

    assert sorted(api.routes) == sorted(route.key for route in ALL_ROUTES if route.function == function)
