"""The OpenAPI document: complete, with examples that are real, and readable by other people's generators.

`make check` runs two linters on it as well.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agent_sessions.http.problems import RESPONSES
from tests.support.contract import CLOSED, PROBLEM
from tools.openapi import failures
from tools.openapi.document import document
from tools.openapi.headers import HEADERS
from tools.openapi.routes import ROUTES

DOCUMENT = document()
COMPONENTS = DOCUMENT["components"]
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation for methods in DOCUMENT["paths"].values() for operation in methods.values()
}


def walk(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of the document but those in examples, with its path."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            if key not in ("example", "examples"):
                yield from walk(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{path}/{index}")


def described_nodes() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what a reader sees: operations, parameters, bodies, responses, headers, schemas and their fields."""
    yield "info", DOCUMENT["info"]
    for tag in DOCUMENT["tags"]:
        yield f"tag {tag['name']}", tag
    for name, operation in OPERATIONS.items():
        yield name, operation
        for parameter in operation.get("parameters", ()):
            yield f"{name} {parameter['name']}", parameter
        for status, response in operation["responses"].items():
            if "$ref" not in response:
                yield f"{name} {status}", response
        if "requestBody" in operation:
            yield f"{name} body", operation["requestBody"]
    for kind in ("schemas", "headers", "securitySchemes"):
        for name, component in COMPONENTS[kind].items():
            yield f"{kind} {name}", component
            for field, schema in component.get("properties", {}).items():
                yield f"{kind} {name}.{field}", schema


def examples() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield every example with its place and its schema."""
    for path, node in walk(DOCUMENT):
        schema = node.get("schema", node)
        if "example" in node:
            yield path, node["example"], schema
        shown = node.get("examples", ())
        if isinstance(shown, dict):
            shown = [
                COMPONENTS["examples"][each["$ref"].rpartition("/")[2]]["value"]
                for each in shown.values()
                if "$ref" in each
            ]
        for each in shown:
            yield path, each, schema


def test_everything_has_a_description_in_sentences() -> None:
    without = [
        place
        for place, node in described_nodes()
        if not re.fullmatch(r"[A-Z`8#].*[.\n]", node.get("description", ""), re.DOTALL)
    ]

    assert without == []


def test_every_example_is_valid_and_complete() -> None:
    found = list(examples())
    assert len(found) > 5 * len(ROUTES)

    for place, example, schema in found:
        errors = Draft202012Validator(
            {**schema, "components": {"schemas": CLOSED}}, format_checker=Draft202012Validator.FORMAT_CHECKER
        ).iter_errors(example)
        assert [error.message for error in errors] == [], place


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_body_and_parameter_has_an_example(operation: dict[str, Any]) -> None:
    required = [each for each in operation.get("parameters", ()) if each["required"]]
    contents = [
        content
        for response in (operation.get("requestBody", {}), *operation["responses"].values())
        for content in response.get("content", {}).values()
    ]

    assert [each for each in (*required, *contents) if not {"example", "examples"} & set(each)] == []


def test_optional_field_has_no_default() -> None:
    # openapi-typescript would make it required.
    assert [path for path, node in walk(DOCUMENT) if "default" in node and "/variables/" not in path] == []


def test_patterns_mean_the_same_in_every_dialect() -> None:
    # In PHP, Go and JavaScript alike: ASCII, no escapes for Unicode, no look-around.
    patterns = {node["pattern"] for _, node in walk(DOCUMENT) if isinstance(node.get("pattern"), str)}

    assert patterns
    for pattern in patterns:
        assert pattern.isascii()
        assert not re.search(r"\\[upx]|\(\?", pattern), pattern
        re.compile(pattern)


def errors() -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the content of every error response of every operation, by media type."""
    for operation in OPERATIONS.values():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                yield response["content"]


def test_errors_of_the_service_and_of_the_gateway_have_one_schema() -> None:
    schemas = {json.dumps(media["schema"]) for content in errors() for media in content.values()}

    assert schemas == {'{"$ref": "#/components/schemas/ErrorResponse"}'}


def test_problems_and_messages_of_the_gateway_keep_their_media_types() -> None:
    for content in errors():
        assert set(content["application/json"]["example"]) == {"message"}
        assert set(content) <= {PROBLEM, "application/json"}
    assert all(example["value"]["type"] == "about:blank" for example in COMPONENTS["examples"].values())


def test_no_response_is_a_component() -> None:
    # orval has no types for them.
    assert "responses" not in COMPONENTS


@pytest.mark.parametrize("kind", RESPONSES, ids=lambda kind: kind.__name__)
def test_every_error_of_the_registry_is_described(kind: type[Exception]) -> None:
    assert kind in failures.MEANINGS
    assert RESPONSES[kind].status in failures.MESSAGES
    assert set(RESPONSES[kind].headers) <= set(HEADERS)


def test_jwt_is_offered_before_signature() -> None:
    # Generated clients take the first.
    assert OPERATIONS["signIn"]["security"] == [{"jwt": []}, {"iam": []}, {}]


def test_servers_are_made_of_variables_that_are_described() -> None:
    for server in DOCUMENT["servers"]:
        assert set(re.findall(r"\{(\w+)\}", server["url"])) == set(server["variables"])
        assert all(each["description"] and each["default"] for each in server["variables"].values())
