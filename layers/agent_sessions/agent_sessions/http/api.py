"""HTTP: routes API Gateway events and answers them; no module below knows of status codes."""

import json
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from agent_sessions import clock
from agent_sessions.domain.identity import parse_id
from agent_sessions.errors import AgentSessionsError, DatabaseError, FieldError, NotFoundError, ValidationError
from agent_sessions.http.caller import owner_of
from agent_sessions.http.json_body import read_json_object
from agent_sessions.http.problems import problem_of, response_for
from agent_sessions.metrics import Metric
from agent_sessions.settings import Settings

NO_STORE = {"Cache-Control": "no-store"}
# In ASCII: whatever an owner is called, it can neither end a log line nor steer the terminal that shows it.
LOG_LINE = partial(json.dumps, default=str, separators=(",", ":"))


def json_response(
    status: HTTPStatus, body: Mapping[str, Any] | None = None, location: str | None = None
) -> Response[str]:
    """Make a response with a JSON body, or with none."""
    return Response(
        status_code=status,
        content_type=None if body is None else "application/json",
        body="" if body is None else json.dumps(body),
        headers=NO_STORE if location is None else {**NO_STORE, "Location": location},
    )


def _route_and_request(event: object) -> tuple[str, str]:
    """Return the route that the gateway chose and its id of the request; raises TypeError where there is none."""
    match event:
        case {"routeKey": str(route), "requestContext": {"requestId": str(request_id)}}:
            return route, request_id
    raise TypeError("this is no event of an HTTP API with payload format 2.0")


def _as_routed(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the path of the route that the gateway chose.

    The path that was called may begin with the mapping of a custom domain, or be encoded in ways that
    the gateway and the resolver read differently.
    """
    template: str = event["routeKey"].partition(" ")[2]
    # Quoted, so that no value can make the path of another route; an id, in lower case, is the same quoted.
    values = {
        name: quote(parse_id(value) or value, "", errors="replace")
        for name, value in (event.get("pathParameters") or {}).items()
    }
    return event | {"rawPath": template.format_map(values)}


class HttpApi(APIGatewayHttpResolver):
    """The routes of one function, and what they share.

    No response may be stored. Every error is a problem (see ``problems``). Every request is one log
    line that names the route's template, never a path, a header, a body or a token.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._api_auth = settings.api_auth
        self._logger = Logger(json_serializer=LOG_LINE)
        self._metrics = Metrics()
        self._notes: dict[str, str] = {}
        self._request_id = ""
        self.exception_handler(Exception)(self._problem)
        self.not_found(self._no_route)

    # -- what a route reads

    def owner(self) -> str:
        """Return in whose name the request acts; raises CallerError where the gateway did not say."""
        owner = owner_of(self.current_event.raw_event, api_auth=self._api_auth)
        self.note(owner=owner)
        return owner

    def session_token(self) -> str:
        """Return what is presented as ``Authorization: Bearer``; nothing, which no session has, if nothing is."""
        # The gateway writes all names in lower case. Powertools' own headers copy them at each look.
        headers: Mapping[str, str] = self.current_event.raw_event.get("headers") or {}
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip(" ") if scheme.lower() == "bearer" else ""

    def query(self) -> dict[str, str]:
        """Return the parameters of the query; raises ValidationError where one is given twice.

        Read from the query itself: the gateway joins repeated parameters with commas.
        """
        pairs = parse_qsl(self.current_event.raw_event.get("rawQueryString") or "", keep_blank_values=True)
        parameters = dict(pairs)
        if len(parameters) < len(pairs):
            raise ValidationError(FieldError("query", "The query names a parameter twice; keep one"))
        return parameters

    def json_body(self) -> dict[str, Any]:
        """Return the JSON object in the body; raises ValidationError or PayloadTooLargeError."""
        return read_json_object(self.current_event.raw_event)

    # -- what a route tells

    def count(self, metric: Metric) -> None:
        """Count one occurrence; written in CloudWatch's embedded metric format when the request ends."""
        self._metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)

    def note(self, **names: str) -> None:
        """Add owner, agent_id or session_id to the log line of this request."""
        self._notes.update(names)

    # -- a request from beginning to end

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one event of an HTTP API (payload 2.0); anything else is answered like a bug, by 500."""
        started = clock.monotonic()
        self._notes = {}
        route, self._request_id = None, context.aws_request_id
        try:
            route, self._request_id = _route_and_request(event)
            response = self.resolve(_as_routed(event), context)
        except Exception as error:  # noqa: BLE001  not of a route, whose errors the resolver answers: of the event
            problem = self._problem(error)
            response = {
                "statusCode": problem.status_code,
                "headers": problem.headers,
                "body": problem.body,
                "isBase64Encoded": False,
            }
        line = {
            "route": route,
            "status": response["statusCode"],
            "duration_ms": round((clock.monotonic() - started) * 1000, 1),
            "request_id": self._request_id,
        }
        self._logger.info("request", extra=line | self._notes)
        if self._metrics.metric_set:
            self._metrics.flush_metrics()
        return response

    def _problem(self, error: Exception) -> Response[str]:
        if isinstance(error, DatabaseError):
            self.count(Metric.DATABASE_ERRORS)
            self._logger.warning("database error", operation=error.operation, cause=type(error.__cause__).__name__)
        elif not isinstance(error, AgentSessionsError):
            self._logger.exception("bug")
        answered = response_for(error)
        return Response(
            status_code=answered.status,
            content_type="application/problem+json",
            body=json.dumps(problem_of(error, self._request_id)),
            headers={**NO_STORE, **answered.headers},
        )

    def _no_route(self, _: Exception) -> Response[str]:
        return self._problem(NotFoundError("There is nothing at this path"))
