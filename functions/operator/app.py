"""Act for every owner. IAM alone decides who may invoke this function; no route of the API leads to it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agent_sessions.errors import DatabaseError, FieldError, NotFoundError, ValidationError
from agent_sessions.http.problems import response_for
from agent_sessions.http.request_log import RequestLog
from agent_sessions.http.response_models import presence_body, session_page_body
from agent_sessions.services.operator import OperatorService
from agent_sessions.services.operator_request import Action, OperatorRequest
from agent_sessions.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = Settings.from_environment()
log = RequestLog(settings)
service = OperatorService.from_settings(settings, audit=log.audit)


def handler(event: object, context: "LambdaContext") -> dict[str, Any]:
    """Return the result of one action, or an error that names each field; raise only for bugs."""
    log.begin(context.aws_request_id)
    action: Action | None = None
    try:
        request = OperatorRequest.read(event)
        action = request.action
        result = {"action": action.value, **run(request)}
    except (ValidationError, NotFoundError, DatabaseError) as error:
        log.record_error(error)
        result = describe(error)
    log.write(action=action, error=result.get("error"))
    return result


def run(request: OperatorRequest) -> Mapping[str, Any]:
    """Run the action. A result that may be partial has a position to continue at, or `more`."""
    match request.action:
        case Action.LIST:
            page = service.list_sessions(request)
            return {"count": len(page.sessions), **session_page_body(page)}
        case Action.COUNT:
            counted = service.count(request)
            return {"sessions": counted.sessions, "agents": counted.agents, "next": counted.next}
        case Action.END if request.metadata:
            found = service.end_by_metadata(request)
            return {
                "dry_run": request.dry_run,
                "matched": found.matched,
                "ended": found.ended,
                "session_ids": found.session_ids,
                "next": found.next,
            }
        case Action.END:
            ended = service.end_of_owner(request)
            return {"ended": ended.count, "more": ended.more}
        case Action.BLOCK:
            return {"agent": presence_body(service.block(request))}
        case Action.UNBLOCK:
            return {"agent": presence_body(service.unblock(request))}
        case Action.DELETE:
            deleted = service.delete(request)
            return {"agents": deleted.agents, "sessions": deleted.sessions, "more": deleted.more}


def describe(error: Exception) -> dict[str, Any]:
    """Return an error as a result: its name as in the API, a sentence, and the fields to change."""
    fields: tuple[FieldError, ...] = error.errors if isinstance(error, ValidationError) else ()
    if isinstance(error, NotFoundError):  # nothing else can be missing
        fields = (FieldError("agent_id", str(error)),)
    return {
        "error": response_for(error).error,
        "message": str(error),
        "errors": [{"field": each.field, "message": each.message} for each in fields],
        "request_id": log.request_id,
    }
