"""The example events of the routes, and variations of them."""

import base64
import copy
import json
from typing import Any
from urllib.parse import urlencode

from tools import ROOT
from tools.openapi.events import event_of
from tools.openapi.examples import CALLER
from tools.openapi.routes import BY_NAME

type Event = dict[str, Any]

ROLE = "arn:aws:sts::111122223333:assumed-role/agent-worker/worker-1"
USER = "arn:aws:iam::111122223333:user/ada"
ISSUER = "https://issuer.example"


def load_event(name: str) -> Event:
    """Return the example event of an operation, or the event of the schedule."""
    if name in BY_NAME:
        return copy.deepcopy(event_of(BY_NAME[name]))
    event: Event = json.loads((ROOT / f"events/{name}.json").read_text())
    return event


def iam(arn: str) -> dict[str, Any]:
    """Return the authorizer context of the gateway for a signed request."""
    authorizer = copy.deepcopy(CALLER)
    authorizer["iam"]["userArn"] = arn
    return authorizer


def cognito(identity_id: str) -> dict[str, Any]:
    """Return the authorizer context of the gateway for credentials of a Cognito identity pool."""
    authorizer = iam("arn:aws:sts::111122223333:assumed-role/pool-users/CognitoIdentityCredentials")
    authorizer["iam"]["cognitoIdentity"] = {
        "amr": ["authenticated"],
        "identityId": identity_id,
        "identityPoolId": "eu-west-1:4f291106-8703-466b-8f2b-3ecee1ca56ce",
    }
    return authorizer


def jwt(subject: str, issuer: str = ISSUER) -> dict[str, Any]:
    """Return the authorizer context of the gateway for a verified JWT."""
    return {"jwt": {"claims": {"sub": subject, "iss": issuer, "aud": "agents"}, "scopes": None}}


def http_event(
    name: str,
    *,
    authorizer: dict[str, Any] | None = None,
    body: str | bytes | dict[str, Any] | None = None,
    query: dict[str, str] | None = None,
    token: str | None = None,
    authorization: str | None = None,
    **path: str,
) -> Event:
    """Return the example event of a route with another caller, body, query, token or path."""
    event = load_event(name)
    context = event["requestContext"]
    context.pop("authorizer", None)
    event["headers"].pop("authorization", None)
    if authorizer is not None:
        context["authorizer"] = authorizer
    if authorization is None and token is not None:
        authorization = f"Bearer {token}"
    if authorization is not None:
        event["headers"]["authorization"] = authorization
    event.pop("body", None)
    if isinstance(body, bytes):
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    elif body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    event.pop("queryStringParameters", None)
    event["rawQueryString"] = urlencode(query or {})
    if query:
        event["queryStringParameters"] = query
    if path:
        event["pathParameters"] = path
        event["rawPath"] = context["http"]["path"] = event["routeKey"].split()[1].format(**path)
    return event
