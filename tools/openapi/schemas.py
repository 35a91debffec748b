"""JSON schemas of what callers send and read, from the types of the code."""

from collections.abc import Iterable, Iterator
from types import get_original_bases
from typing import Any, is_typeddict

from pydantic import ConfigDict, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from agent_sessions.domain.tokens import TOKEN_PATTERN
from agent_sessions.errors import ValidationError
from agent_sessions.http.problems import BadField, Problem
from tools.openapi import examples
from tools.openapi.route import Route

type Schema = dict[str, Any]

ERROR = {"$ref": "#/components/schemas/ErrorResponse"}

# What the Python type of a field does not say, by the name of the field.
UUID = {"format": "uuid"}
TIME = {"format": "date-time"}
FORMATS: dict[str, dict[str, str]] = {
    "agent_id": UUID,
    "session_id": UUID,
    "created_at": TIME,
    "last_active": TIME,
    "expires_at": TIME,
    "ends_at": TIME,
    "progress_at": TIME,
    "at": TIME,
    "avatar_seed": {"pattern": "^[0-9a-z]{8}$"},
    "session_token": {"pattern": f"^{TOKEN_PATTERN}$"},
}
DESCRIPTIONS = {"State": "What an agent can report to be doing."}
"""What the types that are not classes mean, by their names."""


class _Generator(GenerateJsonSchema):
    """Calls a schema by the thing itself: generated clients get an ``Agent``."""

    def normalize_name(self, name: str) -> str:
        return super().normalize_name(name).removesuffix("Body")


def component_schemas(routes: Iterable[Route]) -> tuple[dict[str, Schema], dict[Any, Schema]]:
    """Return the schemas of all bodies by name, and a reference to the schema of each type."""
    routes = list(routes)
    problem = examples.problem(ValidationError)
    read = {route.success.body: examples.body(route) for route in routes if route.success.body}
    read |= {Problem: problem, BadField: problem["errors"][0]}
    sent: dict[Any, Any] = {route.body: route.example_body for route in routes if route.body}
    types: list[Any] = []
    for kind in read:
        # Set here, so that the functions need no pydantic to respond.
        setattr(kind, "__pydantic_config__", ConfigDict(use_attribute_docstrings=True))  # noqa: B010
        types.append((kind, "serialization", TypeAdapter(kind)))
    types += [(kind, "validation", TypeAdapter(kind)) for kind in sent]
    references, definitions = TypeAdapter.json_schemas(
        types, schema_generator=_Generator, ref_template="#/components/schemas/{model}"
    )
    shown = {_name(references, kind): example for kind, example in (read | sent).items()}
    schemas = {name: plain(name, schema, shown.get(name)) for name, schema in sorted(definitions["$defs"].items())}
    for kind in read:
        _inherit_descriptions(kind, schemas, references)
    return schemas | _error_schemas(), {kind: reference for (kind, _), reference in references.items()}


def _name(references: dict[Any, Schema], kind: Any) -> str:
    (reference,) = [reference["$ref"] for (each, _), reference in references.items() if each is kind]
    return str(reference).rpartition("/")[2]


def _inherit_descriptions(kind: Any, schemas: dict[str, Schema], references: dict[Any, Schema]) -> None:
    """Describe the fields that a TypedDict has from its base: pydantic reads only the docstrings of its own."""
    for base in get_original_bases(kind):
        if is_typeddict(base):
            own, inherited = (schemas[_name(references, each)]["properties"] for each in (kind, base))
            for name, field in inherited.items():
                own[name] = {"description": field["description"]} | own[name]


def _error_schemas() -> dict[str, Schema]:
    return {
        "GatewayMessage": {
            "type": "object",
            "description": "A response of API Gateway itself, which did not reach the service.",
            "required": ["message"],
            "properties": {
                "message": {
                    "type": ["string", "null"],
                    "description": "A short reason, for people.",
                    "examples": ["Forbidden"],
                }
            },
        },
        "ErrorResponse": {
            "description": (
                "Problem details (`application/problem+json`) if the service returned the error, or the message of API "
                "Gateway (`application/json`), which can reject a request before it reaches the service."
            ),
            "anyOf": [{"$ref": "#/components/schemas/Problem"}, {"$ref": "#/components/schemas/GatewayMessage"}],
        },
    }


def plain(name: str, schema: Schema, example: dict[str, Any] | None = None) -> Schema:
    """Return a schema with the formats and examples of its fields, without titles and defaults.

    Titles repeat names. A default makes generated clients require a field that callers may omit.
    """
    schema = {key: value for key, value in schema.items() if key != "title"}
    if "properties" not in schema:  # an alias
        return {"description": DESCRIPTIONS[name], **schema}
    properties: dict[str, Any] = {}
    for field_name, definition in schema["properties"].items():
        field = {key: value for key, value in definition.items() if key not in ("title", "default")}
        if "anyOf" in field and "$ref" not in str(field["anyOf"]):  # only ever "or null"
            kinds = field.pop("anyOf")
            field = {**kinds[0], "type": [kind["type"] for kind in kinds], **field}
        field |= FORMATS.get(field_name, {})
        shown = (example or {}).get(field_name)
        if shown is not None and not isinstance(shown, dict | list):
            field["examples"] = [shown]
        properties[field_name] = field
    return schema | {"properties": properties}


def query_parameters(route: Route) -> Iterator[Schema]:
    """Yield each parameter of a route's query."""
    if route.query is None:
        return
    schema = route.query.model_json_schema()
    for name, field in plain(route.name, schema, route.example_query)["properties"].items():
        type_ = field["type"]
        field["type"] = type_[0] if isinstance(type_, list) else type_  # a parameter is omitted, never null
        yield _parameter(
            name, "query", field, route.example_query.get(name), required=name in schema.get("required", ())
        )


def path_parameters(route: Route, schemas: dict[str, Schema]) -> Iterator[Schema]:
    """Yield each parameter of a route's path, as the schemas of responses describe it."""
    for name in route.path_parameters:
        (field, *_) = [each["properties"][name] for each in schemas.values() if name in each.get("properties", {})]
        yield _parameter(name, "path", field, examples.PATH[name], required=True)


def _parameter(name: str, place: str, field: Schema, example: Any, *, required: bool) -> Schema:
    schema = {key: value for key, value in field.items() if key not in ("description", "examples")}
    parameter = {"name": name, "in": place, "required": required, "description": field["description"], "schema": schema}
    if example is not None:
        parameter["example"] = int(example) if schema["type"] == "integer" else example
    return parameter
