"""Lambda authorizers of API Gateway: reads their events, and returns decisions in the shape that each API expects.

HTTP APIs: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
REST APIs: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
WebSocket APIs: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
"""

from collections.abc import Mapping
from typing import Any

from agent_sessions.domain.models import Session
from agent_sessions.domain.times import timestamp
from agent_sessions.http.bearer import bearer_token, header


class AuthorizerRequest:
    """One question of a gateway: may this request pass?

    Args:
        event: The event of a REQUEST authorizer (payload 2.0 or 1.0, REST or WebSocket), or of a TOKEN authorizer.

    Raises:
        TypeError: the event is none of these.
    """

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event
        # An HTTP API expects a simple response to payload 2.0, all others a policy.
        self._simple = event.get("version") == "2.0"
        arn = event.get("routeArn" if self._simple else "methodArn")
        if not isinstance(arn, str) or "/" not in arn:
            raise TypeError("the event is not one of a Lambda authorizer")
        # arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH
        api, stage = arn.split("/", 2)[:2]
        self._stage_arn = f"{api}/{stage}/*"

    @property
    def api_id(self) -> str:
        """Id of the API that asks."""
        return self._stage_arn.partition("/")[0].rpartition(":")[2]

    def session_token(self) -> str:
        """Return what the request presents as ``Authorization: Bearer``.

        Raises:
            SessionTokenRequiredError: it presents no bearer token.
        """
        if self._event.get("type") == "TOKEN":
            return bearer_token(str(self._event.get("authorizationToken")))
        return bearer_token(header(self._event.get("headers") or {}, "authorization"))

    def allow(self, session: Session) -> dict[str, Any]:
        """Return the decision for a live session, with what the backend reads of it."""
        context = authorizer_context(session)
        if self._simple:
            return {"isAuthorized": True, "context": context}
        return self._policy("Allow", session.agent_id) | {"context": context}

    def deny(self) -> dict[str, Any]:
        """Return the decision for a request without a live session."""
        return {"isAuthorized": False} if self._simple else self._policy("Deny", "anonymous")

    def _policy(self, effect: str, principal_id: str) -> dict[str, Any]:
        # Of the whole stage: a gateway that caches the policy of a token applies it to every route.
        statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": self._stage_arn}
        return {"principalId": principal_id, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def authorizer_context(session: Session) -> dict[str, str]:
    """Return what a backend reads of a session: flat strings, as REST APIs require; what is not set is left out."""
    context = {
        "agent_id": session.agent_id,
        "session_id": session.session_id,
        "owner": session.owner,
        "agent_name": session.agent_name,
        "expires_at": timestamp(session.expires_at),
    }
    if session.context is not None:
        context["context"] = session.context
    if session.stop_requested is not None:
        context["stop_requested"] = session.stop_requested.reason
    return context
