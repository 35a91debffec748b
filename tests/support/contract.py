"""Checks responses against docs/openapi.json: a response that the document does not describe fails the test."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from tools import ROOT

DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs/openapi.json").read_text())

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class ApiResponse:
    """A response of the API, however the test reached it."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.text)
        return body

    @property
    def messages(self) -> dict[str, str]:
        """The message of each bad field."""
        return {each["field"]: each["message"] for each in self.body["errors"]}


def _closed(node: Any) -> Any:
    """Return the schema with every object closed, so that an undescribed field fails."""
    if isinstance(node, dict):
        closed = {key: _closed(value) for key, value in node.items()}
        if closed.get("type") == "object" and "properties" in closed:
            closed["additionalProperties"] = False
        return closed
    return [_closed(each) for each in node] if isinstance(node, list) else node


CLOSED = _closed(DOCUMENT["components"]["schemas"])


def documented(route: str) -> set[int]:
    """Return the statuses that the document describes for a route."""
    method, path = route.split()
    return {int(status) for status in DOCUMENT["paths"][path][method.lower()]["responses"]}


def check_response(
    route: str, status: int, headers: Mapping[str, str], body: str, *, behind_gateway: bool = False
) -> None:
    """Fail unless the document describes this response of this route: status, headers, media type and body.

    Errors of API Gateway are no problem details, so they are allowed only behind a gateway.
    """
    method, path = route.split()
    responses = DOCUMENT["paths"][path][method.lower()]["responses"]
    assert str(status) in responses, f"{route} returns {status}, which the document does not describe"
    described = _resolved(responses[str(status)])
    lowered = {name.lower(): value for name, value in headers.items()}
    for name, header in described.get("headers", {}).items():
        _validate(lowered.get(name.lower()), _resolved(header)["schema"])
    if "content" not in described:
        assert body == ""
        return
    media_type = lowered["content-type"].partition(";")[0]
    assert media_type in described["content"], f"{route} returns {media_type}, which the document does not describe"
    assert status < 400 or media_type == PROBLEM or behind_gateway, f"{route} returns an error as {media_type}"
    _validate(json.loads(body), described["content"][media_type]["schema"])
    if media_type == PROBLEM:
        _validate(json.loads(body), {"$ref": "#/components/schemas/Problem"})


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Return a response or a header, or the component to which it refers."""
    if "$ref" not in node:
        return node
    _, kind, name = node["$ref"].rsplit("/", 2)
    component: dict[str, Any] = DOCUMENT["components"][kind][name]
    return component


def _validate(value: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": {"schemas": CLOSED}}
    Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)
