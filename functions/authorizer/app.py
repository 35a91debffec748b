"""Let other APIs admit only live sessions: a Lambda authorizer for HTTP, REST and WebSocket APIs."""

from typing import TYPE_CHECKING, Any

from agent_sessions.errors import InvalidSessionError
from agent_sessions.http.authorizer import AuthorizerRequest
from agent_sessions.http.request_log import RequestLog
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from agent_sessions.snapstart import reseed_after_restore

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = Settings.from_environment()
log = RequestLog(settings)
service = SessionService.from_settings(settings, count=log.count, audit=log.audit)
reseed_after_restore()


def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Return whether the request may pass: only with the token of a live session.

    Raises:
        DatabaseError: the session cannot be judged. The gateway returns a 500; an outage is never a denial.
    """
    log.begin(context.aws_request_id)
    try:
        return decide(AuthorizerRequest(event))
    except Exception as error:
        log.record_error(error)
        log.write(authorized=None)
        raise


def decide(request: AuthorizerRequest) -> dict[str, Any]:
    """Validate the token of a request, which records its use."""
    try:
        session = service.validate(request.session_token())
    except InvalidSessionError:
        log.write(authorized=False, api_id=request.api_id)
        return request.deny()
    log.note_session(session)
    log.write(authorized=True, api_id=request.api_id)
    return request.allow(session)
