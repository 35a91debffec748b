"""The OpenAPI document, from the operations, the types and the error registry.

The tests hold every answer that they get against it.
"""

import tomllib
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import groupby
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from agent_sessions.errors import (
    CallerError,
    DatabaseError,
    InvalidSessionError,
    NotFoundError,
    PayloadTooLargeError,
    ValidationError,
)
from agent_sessions.http.problems import RESPONSES, BadField, Problem
from agent_sessions.http.request_models import Input, SignInInput
from agent_sessions.http.response_models import (
    AgentBody,
    EndedBody,
    HealthBody,
    SessionBody,
    SessionPageBody,
    SignedInBody,
)
from tools import ROOT
from tools.openapi.route import Auth, Route
from tools.openapi.routes import ROUTES

BODIES: list[Any] = [SessionBody, SignedInBody, AgentBody, SessionPageBody, EndedBody, HealthBody, BadField, Problem]

# Kinds of text that a Python type does not tell, by the name of the field.
UUID = {"format": "uuid", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
FORMATS: dict[str, dict[str, str]] = {
    "agent_id": UUID,
    "session_id": UUID,
    "next": UUID,
    "created_at": {"format": "date-time"},
    "last_active": {"format": "date-time"},
    "expires_at": {"format": "date-time"},
    "ends_at": {"format": "date-time"},
    "avatar_seed": {"pattern": "^[0-9a-z]{8}$"},
    "session_token": {"pattern": "^[A-Za-z0-9_-]{43}$"},
}

HEADERS: dict[str, dict[str, Any]] = {
    "Cache-Control": {
        "description": "Nothing may be stored.",
        "required": True,
        "schema": {"type": "string", "const": "no-store"},
    },
    "Location": {
        "description": "Where the new session is validated and ended.",
        "required": True,
        "schema": {"type": "string", "const": "/sessions/current"},
    },
    "WWW-Authenticate": {
        "description": "RFC 6750, 3.",
        "required": True,
        "schema": {"type": "string", "const": 'Bearer error="invalid_token"'},
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
}

# What the gateway itself answers, before or instead of a function.
GATEWAY = {
    HTTPStatus.UNAUTHORIZED: "The gateway refused the token (ApiAuth=JWT).",
    HTTPStatus.FORBIDDEN: "The gateway refused the signature or the caller (ApiAuth=AWS_IAM).",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than the gateway takes.",
    HTTPStatus.TOO_MANY_REQUESTS: "The gateway throttled the request; try again.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The function failed.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The function could not be run in time; try again.",
}

ERRORS = {
    ValidationError: "The request is bad; `errors` names each field and what to change.",
    PayloadTooLargeError: "The body has 8 KB or more.",
    InvalidSessionError: "The token is missing, malformed, unknown, expired or signed out; which, is not told.",
    CallerError: "The gateway is set up to verify callers and passed none.",
    NotFoundError: "The caller has no such agent; another owner's is not told from none.",
    DatabaseError: "The database throttled or did not answer; try again.",
    Exception: "A bug, or a limit that was never met before.",
}


SECURITY: dict[Auth, list[dict[str, list[str]]]] = {
    Auth.GATEWAY: [{"jwt": []}, {"iam": []}, {}],
    Auth.TOKEN: [{"sessionToken": []}],
    Auth.ANYONE: [],
}


class _Schemas(GenerateJsonSchema):
    """Calls a schema by the thing itself: clients that are generated get an ``Agent``."""

    def normalize_name(self, name: str) -> str:
        return super().normalize_name(name).removesuffix("Body")


def document(routes: Iterable[Route] = ROUTES) -> dict[str, Any]:
    """Return the OpenAPI document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    schemas, references = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": project["name"],
            "version": project["version"],
            "summary": project["description"],
            "license": {"name": "Apache License 2.0", "identifier": project["license"]},
        },
        "servers": [
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com",
                "description": "The output ApiUrl of your stack",
                "variables": {"api": {"default": "api"}, "region": {"default": "us-east-1"}},
            }
        ],
        "tags": [
            {"name": "sessions", "description": "What an agent does"},
            {"name": "agents", "description": "What the owner of agents does"},
            {"name": "health", "description": "What a monitor does"},
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": HEADERS,
            "securitySchemes": {
                "sessionToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The session_token that signing in gave.",
                },
                "iam": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "AWS Signature Version 4, service execute-api (ApiAuth=AWS_IAM).",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                },
                "jwt": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token of the issuer that the deployment trusts (ApiAuth=JWT).",
                },
            },
        },
    }


def _schemas() -> tuple[dict[str, Any], dict[Any, dict[str, Any]]]:
    """Return the component schemas, and the reference to the schema of each type."""
    types: list[Any] = []
    for kind in BODIES:
        # Set here, so that the functions need no pydantic to answer.
        setattr(kind, "__pydantic_config__", ConfigDict(use_attribute_docstrings=True))  # noqa: B010
        types.append((kind, "serialization", TypeAdapter(kind)))
    types.append((SignInInput, "validation", TypeAdapter(SignInInput)))
    references, definitions = TypeAdapter.json_schemas(
        types, schema_generator=_Schemas, ref_template="#/components/schemas/{model}"
    )
    schemas = {name: _schema(schema) for name, schema in sorted(definitions["$defs"].items())}
    schemas["GatewayMessage"] = {
        "type": "object",
        "description": "What the gateway itself says.",
        "properties": {"message": {"type": ["string", "null"]}},
    }
    return schemas, {kind: reference for (kind, _), reference in references.items()}


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with the formats that its fields have and without the titles that repeat their names."""
    properties = {}
    for name, definition in schema["properties"].items():
        said = {key: value for key, value in definition.items() if key != "title"}
        if "anyOf" in said:  # only ever "or null"
            kinds = said.pop("anyOf")
            said = {**kinds[0], "type": [kind["type"] for kind in kinds], **said}
        properties[name] = said | FORMATS.get(name, {})
    return {key: value for key, value in schema.items() if key != "title"} | {"properties": properties}


def _operation(route: Route, references: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "description": route.description,
        "tags": [route.tag],
        "security": SECURITY[route.auth],
    }
    if parameters := [*_path_parameters(route), *_query_parameters(route.query)]:
        described["parameters"] = parameters
    if route.body:
        described["requestBody"] = {
            "required": True,
            "description": "Less than 8 KB.",
            "content": {"application/json": {"schema": references[route.body]}},
        }
    success: dict[str, Any] = {
        "description": route.success.description,
        "headers": _headers("Cache-Control", *(["Location"] if route.success.location else [])),
    }
    if route.success.body:
        success["content"] = {"application/json": {"schema": references[route.success.body]}}
    if route.success.links:
        success["links"] = {
            name: {"operationId": name, "parameters": parameters} for name, parameters in route.success.links.items()
        }
    described["responses"] = {
        str(route.success.status.value): success,
        **dict(_failures(route, references[Problem])),
    }
    return described


def _path_parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in route.path_parameters:
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"} | FORMATS[name]}


def _query_parameters(model: type[Input] | None) -> Iterator[dict[str, Any]]:
    if model is None:
        return
    schema = model.model_json_schema()
    for name, definition in _schema(schema)["properties"].items():
        said = {key: value for key, value in definition.items() if key not in ("description", "examples")}
        if isinstance(said["type"], list):  # a parameter is left out, not null
            said["type"] = said["type"][0]
            said.pop("default", None)
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            "description": definition["description"],
            "schema": said,
        }


def _failures(route: Route, problem: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every error answer of a route: of its function, of the gateway, or of either."""
    kinds = sorted((*route.errors, DatabaseError, Exception), key=lambda kind: RESPONSES[kind].status)
    ours = {status: list(group) for status, group in groupby(kinds, key=lambda kind: RESPONSES[kind].status)}
    gateway = {
        status: text
        for status, text in GATEWAY.items()
        if (route.auth is Auth.GATEWAY or status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))
        and (route.body or status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    }
    for status in sorted({*ours, *gateway}):
        said = [route.meanings.get(kind, ERRORS[kind]) for kind in ours.get(status, [])]
        content: dict[str, Any] = {"application/problem+json": {"schema": problem}} if said else {}
        described: dict[str, Any] = {}
        if status in ours:
            described["headers"] = _headers(
                "Cache-Control", *RESPONSES[ours[status][0]].headers, required=status not in gateway
            )
        if status in gateway:
            said.append(gateway[status])
            content["application/json"] = {"schema": {"$ref": "#/components/schemas/GatewayMessage"}}
        yield str(status.value), {"description": " ".join(said), **described, "content": content}


def _headers(*names: str, required: bool = True) -> dict[str, Any]:
    """Return headers; not required where the gateway may answer instead of the function."""
    if required:
        return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {name: HEADERS[name] | {"required": False} for name in names}
