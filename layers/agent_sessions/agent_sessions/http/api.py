"""HTTP: hands the events of API Gateway to the functions of their routes, and returns the responses."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from agent_sessions.errors import FieldError, NotFoundError, ValidationError
from agent_sessions.http.bearer import bearer_token, header
from agent_sessions.http.caller import owner_of
from agent_sessions.http.json_body import read_json_object
from agent_sessions.http.problems import problem_of, response_for
from agent_sessions.http.request_log import RequestLog
from agent_sessions.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Of every response. Nothing may be stored, and a browser must not guess another media type (OWASP ASVS 5.0, 14.3.2).
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

# Without spaces: AWS charges for each byte that leaves it.
_compact = json.JSONEncoder(separators=(",", ":")).encode

type Response = dict[str, Any]
"""A response as a Lambda integration with payload format 2.0 returns it."""

type Route = Callable[..., Response]
"""The function of a route; the parameters of the path are its arguments."""


def json_response(
    status: HTTPStatus,
    body: Mapping[str, Any] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """Return a response with a JSON body, or without a body; ``headers`` come on top of those of every response."""
    content = {} if body is None else {"Content-Type": media_type}
    return {
        "statusCode": status.value,
        "headers": {**HEADERS, **content, **(headers or {})},
        "body": "" if body is None else _compact(body),
        "isBase64Encoded": False,
    }


def _route_and_request(event: object) -> tuple[str, str]:
    """Return the route that the gateway chose and its request id; raises TypeError if the event has none."""
    match event:
        case {"routeKey": str(route), "requestContext": {"requestId": str(request_id)}}:
            return route, request_id
    raise TypeError("the event is not one of an HTTP API with payload format 2.0")


class HttpApi(RequestLog):
    """The routes of one function, and what they have in common. It serves one request at a time, as Lambda does.

    The gateway has chosen the route already, so its key finds the function in a table. The path of the request decides
    nothing: it may begin with the mapping of a custom domain.

    Every error is a problem (see ``problems``). Every request is one log line that names the route's template,
    never a path, a header, a body or a token. It is also the request's metrics, in CloudWatch's embedded metric format.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._api_auth = settings.api_auth
        self.routes: dict[str, Route] = {}
        self._with_query: set[str] = set()
        self.event: Mapping[str, Any] = {}

    def route[Function: Route](self, key: str, *, query: bool = False) -> Callable[[Function], Function]:
        """Register the function of a route.

        Args:
            key: The gateway's: method, space, and path with parameters.
            query: Whether the route takes query parameters. On one that does not, an ignored parameter could end more
                sessions than its sender means.
        """

        def register(function: Function) -> Function:
            self.routes[key] = function
            if query:
                self._with_query.add(key)
            return function

        return register

    # -- what a route reads

    def owner(self) -> str:
        """Return the owner in whose name the request acts.

        Raises:
            CallerError: the gateway passed none.
            ValidationError: the route takes no query parameters, and the request has some.
        """
        owner = owner_of(self.event, api_auth=self._api_auth)
        self.note(owner=owner)
        self._refuse_query()
        return owner

    def session_token(self) -> str:
        """Return what the request presents as ``Authorization: Bearer``.

        Raises:
            SessionTokenRequiredError: it presents no bearer token.
            ValidationError: the route takes no query parameters, and the request has some.
        """
        token = bearer_token(header(self.event.get("headers") or {}, "authorization"))
        self._refuse_query()
        return token

    def query(self) -> dict[str, str]:
        """Return the query parameters, read from the query itself: the gateway joins repeated ones with commas.

        Raises:
            ValidationError: a parameter is given twice, or the query is not UTF-8.
        """
        raw = self.event.get("rawQueryString") or ""
        try:
            pairs = parse_qsl(raw, keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:
            raise ValidationError(FieldError("query", "The query is not UTF-8; encode it as UTF-8")) from None
        parameters = dict(pairs)
        if len(parameters) < len(pairs):
            raise ValidationError(FieldError("query", "The query names a parameter twice; keep one"))
        return parameters

    def json_body(self, example: str) -> dict[str, Any]:
        """Return the JSON object in the body; raises ValidationError, with this example, or PayloadTooLargeError."""
        return read_json_object(self.event, example=example)

    def _refuse_query(self) -> None:
        if self.event.get("rawQueryString") and self.event["routeKey"] not in self._with_query and self.query():
            raise ValidationError(FieldError("query", "This route takes no query parameters; remove them"))

    # -- a request from beginning to end

    def handle(self, event: dict[str, Any], context: "LambdaContext") -> Response:
        """Return the response to an event of an HTTP API (payload 2.0); any other event is a 500."""
        self.begin(context.aws_request_id)
        route, self.event = None, event
        try:
            route, self.request_id = _route_and_request(event)
            response = self._function_of(route)(**(event.get("pathParameters") or {}))
        except Exception as error:  # noqa: BLE001  whatever it is, callers get a problem
            response = self._problem(error)
        self.write(route=route, status=response["statusCode"])
        return response

    def _function_of(self, route: str) -> Route:
        if route not in self.routes:
            raise NotFoundError("There is nothing at this path")
        return self.routes[route]

    def _problem(self, error: Exception) -> Response:
        self.record_error(error)
        response = response_for(error)
        problem = problem_of(error, self.request_id)
        return json_response(response.status, problem, headers=response.headers, media_type="application/problem+json")
