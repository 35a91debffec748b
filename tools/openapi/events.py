"""The example event of each route: what API Gateway sends its function (HTTP API, payload format 2.0)."""

import json
from typing import Any
from urllib.parse import quote, urlencode

from tools.openapi import examples
from tools.openapi.route import Auth, Route

HOST = "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=ASIAIOSFODNN7EXAMPLE/20261122/eu-west-1/execute-api/aws4_request, "
    "SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=example"
)


def event_of(route: Route) -> dict[str, Any]:
    """Return the event of a request to a route, in the name of the examples' caller or with its session token."""
    path = {name: examples.PATH[name] for name in route.path_parameters}
    called = route.path.format_map(path)
    body = None if route.example_body is None else json.dumps(route.example_body)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": called,
        "rawQueryString": urlencode(route.example_query, quote_via=quote),
        "headers": _headers(route, body),
    }
    if route.example_query:
        event["queryStringParameters"] = route.example_query
    event["requestContext"] = _context(route, called)
    if path:
        event["pathParameters"] = path
    if body is not None:
        event["body"] = body
    return event | {"isBase64Encoded": False}


def for_session(event: dict[str, Any], *, session_token: str, session_id: str) -> dict[str, Any]:
    """Return an example event that names a session which was just started in place of the example's."""
    authorization = event.get("headers", {}).get("authorization", "")
    text = json.dumps(event).replace(examples.PATH["session_id"], session_id)
    changed: dict[str, Any] = json.loads(text)
    if authorization.startswith("Bearer "):
        changed["headers"]["authorization"] = f"Bearer {session_token}"
    return changed


def _headers(route: Route, body: str | None) -> dict[str, str]:
    headers = {
        "accept": "*/*",
        "content-length": str(len((body or "").encode())),
        "host": HOST,
        "user-agent": "python-httpx/0.28.1",
        "x-amzn-trace-id": "Root=1-6921d2f0-0123456789abcdef01234567",
        "x-forwarded-for": "203.0.113.10",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    if body is not None:
        headers["content-type"] = "application/json"
    if route.auth is Auth.GATEWAY:
        headers |= {"authorization": SIGNATURE, "x-amz-date": "20261122T120000Z", "x-amz-security-token": "example"}
    elif route.auth is Auth.TOKEN:
        headers["authorization"] = f"Bearer {examples.TOKEN.secret}"
    return dict(sorted((headers | route.example_headers).items()))


def _context(route: Route, called: str) -> dict[str, Any]:
    context: dict[str, Any] = {"accountId": "111122223333", "apiId": "a1b2c3d4e5"}
    if route.auth is Auth.GATEWAY:
        context["authorizer"] = examples.CALLER
    return context | {
        "domainName": HOST,
        "domainPrefix": "a1b2c3d4e5",
        "http": {
            "method": route.method,
            "path": called,
            "protocol": "HTTP/1.1",
            "sourceIp": "203.0.113.10",
            "userAgent": "python-httpx/0.28.1",
        },
        "requestId": examples.REQUEST_ID,
        "routeKey": route.key,
        "stage": "$default",
        "time": "22/Nov/2026:12:00:00 +0000",
        "timeEpoch": 1795348800000,
    }
