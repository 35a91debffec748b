"""What an agent does: sign in, validate, report progress, sign out. And the health check."""

from http import HTTPStatus

from agent_sessions.http.api import HttpApi, Response, json_response
from agent_sessions.http.response_models import session_body, signed_in_body
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from agent_sessions.snapstart import reseed_after_restore

settings = Settings.from_environment()
api = HttpApi(settings)
service = SessionService.from_settings(settings, count=api.count, audit=api.audit)
handler = api.handle
reseed_after_restore()


@api.route("POST /sessions")
def sign_in() -> Response:
    """Recognise the agent by its name and context, and give it a new session."""
    # pydantic takes as long to import as all the rest: only routes that read input wait for it.
    from agent_sessions.http.request_models import SignInInput

    owner = api.owner()
    request = SignInInput.read(api.json_body(SignInInput.example))
    signed_in = service.sign_in(owner, **request.model_dump())
    api.note_session(signed_in.session)
    # Relative to this URL, which may have a prefix that only the gateway knows.
    return json_response(HTTPStatus.CREATED, signed_in_body(signed_in), headers={"Location": "sessions/current"})


@api.route("GET /sessions/current")
def validate() -> Response:
    """Validate the session token and record its use."""
    session = service.validate(api.session_token())
    api.note_session(session)
    return json_response(HTTPStatus.OK, session_body(session))


@api.route("PATCH /sessions/current")
def report_progress() -> Response:
    """Record what the agent reports of itself."""
    from agent_sessions.http.request_models import ProgressInput

    token = api.session_token()
    request = ProgressInput.read(api.json_body(ProgressInput.example))
    session = service.report_progress(token, request.model_dump(exclude_unset=True))
    api.note_session(session)
    return json_response(HTTPStatus.OK, session_body(session))


@api.route("DELETE /sessions/current")
def sign_out() -> Response:
    """Sign out; this also succeeds if the session had already ended."""
    session = service.sign_out(api.session_token())
    if session is not None:
        api.note_session(session)
    return json_response(HTTPStatus.NO_CONTENT)


@api.route("GET /health")
def check_health() -> Response:
    """Check that the service and both tables respond."""
    service.check_health()
    return json_response(HTTPStatus.OK, {"status": "ok"})


@api.route("HEAD /health")
def probe_health() -> Response:
    """Check the same for monitors that read no body."""
    service.check_health()
    return json_response(HTTPStatus.OK)
