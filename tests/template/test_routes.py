"""The table of routes against template.yaml and against the functions."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tools.cloudformation import RESOURCES, logical_function, resources
from tools.openapi.route import Auth, Route
from tools.openapi.routes import BY_KEY, FUNCTIONS, ROUTES

DEPLOYED = {each["RouteKey"]: each for each in resources("AWS::ApiGatewayV2::Route").values()}
BY_THE_GATEWAY = {
    "AuthorizationType": {"Ref": "ApiAuth"},
    "AuthorizerId": {"Fn::If": ["UseJwt", {"Ref": "JwtAuthorizer"}, {"Ref": "AWS::NoValue"}]},
    "AuthorizationScopes": {"Fn::If": ["RequireScopes", {"Ref": "JwtScopes"}, {"Ref": "AWS::NoValue"}]},
}
BY_NOBODY = {"AuthorizationType": "NONE"}


def test_template_has_exactly_the_routes_of_the_table() -> None:
    assert sorted(DEPLOYED) == sorted(BY_KEY)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_route_has_the_authorization_of_the_table(route: Route) -> None:
    verified = {name: value for name, value in DEPLOYED[route.key].items() if name.startswith("Author")}

    assert verified == (BY_THE_GATEWAY if route.auth is Auth.GATEWAY else BY_NOBODY)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_route_invokes_the_function_of_the_table(route: Route) -> None:
    target = DEPLOYED[route.key]["Target"]["Fn::Sub"].removeprefix("integrations/").strip("${}")
    integration = RESOURCES[target]["Properties"]

    assert integration["IntegrationUri"] == {"Fn::Sub": f"${{{logical_function(route.function)}.Arn}}:live"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_has_exactly_its_routes_of_the_table(
    load_function: Callable[[str], ModuleType], function: str
) -> None:
    api: Any = load_function(function).api

    assert sorted(api.routes) == sorted(route.key for route in ROUTES if route.function == function)
