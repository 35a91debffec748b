"""Sign in, validate, sign out."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from agent_sessions.http.api import HttpApi, json_response
from agent_sessions.http.response_models import session_body, signed_in_body
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from agent_sessions.snapstart import reseed_after_restore

settings = Settings.from_environment()
api = HttpApi(settings)
service = SessionService.from_settings(settings, count=api.count)
handler = api.handle
reseed_after_restore()


@api.post("/sessions")
def sign_in() -> Response[str]:
    """Sign in: recognise the agent by its name and context, and give it a new session."""
    # pydantic takes as long to import as all the rest: only a sign-in waits for it.
    from agent_sessions.http.request_models import SignInInput

    owner = api.owner()
    asked = SignInInput.read(api.json_body())
    signed_in = service.sign_in(owner, asked.agent_name, asked.context, exclusive=asked.exclusive)
    api.note(agent_id=signed_in.session.agent_id, session_id=signed_in.session.session_id)
    return json_response(HTTPStatus.CREATED, signed_in_body(signed_in), location="/sessions/current")


@api.get("/sessions/current")
def validate() -> Response[str]:
    """Validate the session token and record its use."""
    session = service.validate(api.session_token())
    api.note(owner=session.owner, agent_id=session.agent_id, session_id=session.session_id)
    return json_response(HTTPStatus.OK, session_body(session))


@api.delete("/sessions/current")
def sign_out() -> Response[str]:
    """Sign out; also answered well where the session had already ended."""
    session = service.sign_out(api.session_token())
    if session is not None:
        api.note(owner=session.owner, agent_id=session.agent_id, session_id=session.session_id)
    return json_response(HTTPStatus.NO_CONTENT)


@api.get("/health")
def health() -> Response[str]:
    """Answer whether the service and its database do."""
    service.check_health()
    return json_response(HTTPStatus.OK, {"status": "ok"})
