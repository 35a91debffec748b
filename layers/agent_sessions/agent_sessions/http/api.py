"""HTTP: routes API Gateway events to functions and returns their responses."""

import json
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from agent_sessions.errors import FieldError, NotFoundError, ValidationError
from agent_sessions.http.bearer import bearer_token, header
from agent_sessions.http.caller import owner_of
from agent_sessions.http.json_body import read_json_object
from agent_sessions.http.problems import problem_of, response_for
from agent_sessions.http.request_log import RequestLog
from agent_sessions.settings import Settings

# Of every response. Nothing may be stored, and a browser must not guess another media type (OWASP ASVS 5.0, 14.3.2).
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

# Without spaces: AWS charges for each byte that leaves it.
_compact = partial(json.dumps, separators=(",", ":"))


def json_response(
    status: HTTPStatus, body: Mapping[str, Any] | None = None, location: str | None = None
) -> Response[str]:
    """Return a response with a JSON body, or without a body."""
    return Response(
        status_code=status,
        content_type=None if body is None else "application/json",
        body="" if body is None else _compact(body),
        headers=HEADERS if location is None else {**HEADERS, "Location": location},
    )


def _route_and_request(event: object) -> tuple[str, str]:
    """Return the route that the gateway chose and its request id; raises TypeError if the event has none."""
    match event:
        case {"routeKey": str(route), "requestContext": {"requestId": str(request_id)}}:
            return route, request_id
    raise TypeError("the event is not one of an HTTP API with payload format 2.0")


def _as_routed(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the path of the route that the gateway chose.

    The requested path may begin with the mapping of a custom domain, or be encoded in ways that the gateway
    and the resolver read differently.
    """
    template: str = event["routeKey"].partition(" ")[2]
    # Quoted, so that no value can form the path of another route; a well-formed id stays the same.
    values = {name: quote(value, "", errors="replace") for name, value in (event.get("pathParameters") or {}).items()}
    return event | {"rawPath": template.format_map(values)}


class HttpApi(RequestLog, APIGatewayHttpResolver):
    """The routes of one function, and what they have in common.

    Every error is a problem (see ``problems``). Every request is one log line that names the route's template,
    never a path, a header, a body or a token. It is also the request's metrics, in CloudWatch's embedded metric format.
    """

    def __init__(self, settings: Settings) -> None:
        # Explicitly: with POWERTOOLS_DEV the resolver would print whole events, tokens included.
        APIGatewayHttpResolver.__init__(self, debug=False)
        RequestLog.__init__(self, settings.log_level)
        self._api_auth = settings.api_auth
        self.exception_handler(Exception)(self._problem)
        self.not_found(self._no_route)

    # -- what a route reads

    def owner(self) -> str:
        """Return the owner in whose name the request acts; raises CallerError if the gateway passed none."""
        owner = owner_of(self.current_event.raw_event, api_auth=self._api_auth)
        self.note(owner=owner)
        return owner

    def session_token(self) -> str:
        """Return what the request presents as ``Authorization: Bearer``.

        Raises:
            SessionTokenRequiredError: it presents no bearer token.
        """
        return bearer_token(header(self.current_event.raw_event.get("headers") or {}, "authorization"))

    def query(self) -> dict[str, str]:
        """Return the query parameters, read from the query itself: the gateway joins repeated ones with commas.

        Raises:
            ValidationError: a parameter is given twice, or the query is not UTF-8.
        """
        raw = self.current_event.raw_event.get("rawQueryString") or ""
        try:
            pairs = parse_qsl(raw, keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:
            raise ValidationError(FieldError("query", "The query is not UTF-8; encode it as UTF-8")) from None
        parameters = dict(pairs)
        if len(parameters) < len(pairs):
            raise ValidationError(FieldError("query", "The query names a parameter twice; keep one"))
        return parameters

    def json_body(self) -> dict[str, Any]:
        """Return the JSON object in the body; raises ValidationError or PayloadTooLargeError."""
        return read_json_object(self.current_event.raw_event)

    # -- a request from beginning to end

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Return the response to an event of an HTTP API (payload 2.0); any other event is a 500."""
        self.begin(context.aws_request_id)
        route = None
        try:
            route, self.request_id = _route_and_request(event)
            response = self.resolve(_as_routed(event), context)
        except Exception as error:  # noqa: BLE001  the resolver handles errors of routes; this one is the event's
            problem = self._problem(error)
            response = {
                "statusCode": problem.status_code,
                "headers": problem.headers,
                "body": problem.body,
                "isBase64Encoded": False,
            }
        self.write(route=route, status=response["statusCode"])
        return response

    def _problem(self, error: Exception) -> Response[str]:
        self.record_error(error)
        response = response_for(error)
        return Response(
            status_code=response.status,
            content_type="application/problem+json",
            body=_compact(problem_of(error, self.request_id)),
            headers={**HEADERS, **response.headers},
        )

    def _no_route(self, _: Exception) -> Response[str]:
        return self._problem(NotFoundError("There is nothing at this path"))
