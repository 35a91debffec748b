"""The OpenAPI document, from the table of routes, the types of the code and its registry of errors.

The tests compare every response that they get with it.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.openapi import examples
from tools.openapi.failures import error_examples, failures
from tools.openapi.headers import ALWAYS, HEADERS, headers
from tools.openapi.route import Auth, Route
from tools.openapi.routes import ROUTES
from tools.openapi.schemas import Schema, component_schemas, path_parameters, query_parameters

INTRODUCTION = Path(__file__).with_name("introduction.md")

SERVERS = [
    {
        "url": "https://{api_id}.execute-api.{region}.amazonaws.com",
        "description": "The endpoint that API Gateway assigns: the stack output `ApiUrl`.",
        "variables": {
            "api_id": {"default": "a1b2c3d4e5", "description": "The id of the API: the stack output `ApiId`."},
            "region": {"default": "eu-west-1", "description": "The AWS Region of the stack."},
        },
    },
    {
        "url": "https://{domain}",
        "description": "A custom domain.",
        "variables": {"domain": {"default": "agents.example.com", "description": "The stack parameter `DomainName`."}},
    },
]
TAGS = [
    {"name": "Sessions", "description": "For agents: sign in, stay signed in, report progress, sign out."},
    {
        "name": "Agents",
        "description": "For owners of agents: list them and their sessions, and stop any of them.",
    },
    {"name": "Health", "description": "For monitors and load balancers."},
]
SECURITY: dict[Auth, list[dict[str, list[str]]]] = {
    Auth.GATEWAY: [{"jwt": []}, {"iam": []}, {}],
    Auth.TOKEN: [{"sessionToken": []}],
    Auth.ANYONE: [],
}
SECURITY_SCHEMES = {
    "sessionToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The `session_token` that a sign-in returned. Send it only in this header.",
    },
    "jwt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": (
            "With `ApiAuth=JWT`: an access token of the issuer that the deployment trusts. Its subject owns the agents "
            "that it signs in, and sees no others."
        ),
    },
    "iam": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": (
            "With `ApiAuth=AWS_IAM`, the default: AWS Signature Version 4 for the service `execute-api`. The user or "
            "role owns the agents that it signs in, and sees no others."
        ),
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
}


def document(routes: Iterable[Route] = ROUTES) -> dict[str, Any]:
    """Return the OpenAPI document."""
    routes = list(routes)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    schemas, references = component_schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        described = _operation(route, schemas, references)
        described["responses"] |= dict(failures(route))
        paths.setdefault(route.path, {})[route.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": project["name"],
            "version": project["version"],
            "summary": project["description"],
            "description": INTRODUCTION.read_text(),
            "contact": {"name": "The operator of your deployment"},
            "license": {"name": "Apache License 2.0", "identifier": project["license"]},
        },
        "servers": SERVERS,
        "tags": TAGS,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "examples": error_examples(routes),
            "headers": HEADERS,
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _operation(route: Route, schemas: dict[str, Schema], references: dict[Any, Schema]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "description": route.description,
        "tags": [route.tag],
        "security": SECURITY[route.auth],
    }
    if parameters := [*path_parameters(route, schemas), *query_parameters(route)]:
        described["parameters"] = parameters
    if route.body:
        described["requestBody"] = {
            "required": True,
            "description": "A JSON object of less than 8 KB.",
            "content": {"application/json": {"schema": references[route.body], "example": route.example_body}},
        }
    success: dict[str, Any] = {
        "description": route.success.description,
        "headers": headers(*ALWAYS, *(["Location"] if route.success.location else [])),
    }
    if route.success.body:
        success["content"] = {
            "application/json": {"schema": references[route.success.body], "example": examples.body(route)}
        }
    if route.success.links:
        success["links"] = {
            name: {"operationId": name, "parameters": parameters} for name, parameters in route.success.links.items()
        }
    return described | {"responses": {str(route.success.status.value): success}}
