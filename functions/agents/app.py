"""What an owner does: see its agents and their sessions, stop any of them."""

from http import HTTPStatus

from agent_sessions.http.api import HttpApi, Response, json_response
from agent_sessions.http.request_models import (
    BlockInput,
    ListAgentSessionsInput,
    ListAgentsInput,
    ListSessionsInput,
    StopInput,
)
from agent_sessions.http.response_models import (
    agent_page_body,
    ended_body,
    found_agent_body,
    presence_body,
    session_body,
    session_page_body,
)
from agent_sessions.services.agents import AgentService
from agent_sessions.services.roster import RosterService
from agent_sessions.settings import Settings
from agent_sessions.snapstart import reseed_after_restore

settings = Settings.from_environment()
api = HttpApi(settings)
service = AgentService.from_settings(settings, count=api.count, audit=api.audit)
roster = RosterService(service.tables, settings, audit=api.audit)
handler = api.handle
reseed_after_restore()


@api.route("GET /sessions", query=True)
def list_sessions() -> Response:
    """List the live sessions of all agents."""
    owner = api.owner()
    request = ListSessionsInput.read(api.query())
    page = roster.list_sessions(owner, limit=request.limit, after=request.position)
    return json_response(HTTPStatus.OK, session_page_body(page))


@api.route("DELETE /sessions")
def end_sessions() -> Response:
    """Sign out every agent."""
    return json_response(HTTPStatus.OK, ended_body(roster.end_all_sessions(api.owner())))


@api.route("GET /agents", query=True)
def list_agents() -> Response:
    """List agents, or find the one with a name and a context."""
    owner = api.owner()
    request = ListAgentsInput.read(api.query())
    if request.agent_name is None:
        page = roster.list_agents(owner, limit=request.limit, after=request.next)
        return json_response(HTTPStatus.OK, agent_page_body(page))
    presence = service.find_agent(owner, request.agent_name, request.context)
    if presence is not None:
        api.note(agent_id=presence.agent.agent_id)
    return json_response(HTTPStatus.OK, found_agent_body(presence))


@api.route("GET /agents/{agent_id}")
def get_agent(agent_id: str) -> Response:
    """Show an agent with its presence."""
    presence = service.get_agent(api.owner(), agent_id)
    api.note(agent_id=presence.agent.agent_id)
    return json_response(HTTPStatus.OK, presence_body(presence))


@api.route("PATCH /agents/{agent_id}")
def update_agent(agent_id: str) -> Response:
    """Block an agent, or let it sign in again."""
    owner = api.owner()
    request = BlockInput.read(api.json_body(BlockInput.example))
    presence = service.block(owner, agent_id) if request.blocked else service.unblock(owner, agent_id)
    api.note(agent_id=presence.agent.agent_id)
    return json_response(HTTPStatus.OK, presence_body(presence))


@api.route("DELETE /agents/{agent_id}")
def delete_agent(agent_id: str) -> Response:
    """Block an agent, end its sessions, and forget it."""
    service.delete(api.owner(), agent_id)
    api.note(agent_id=agent_id.lower())
    return json_response(HTTPStatus.NO_CONTENT)


@api.route("GET /agents/{agent_id}/sessions", query=True)
def list_agent_sessions(agent_id: str) -> Response:
    """List the live sessions of an agent."""
    owner = api.owner()
    request = ListAgentSessionsInput.read(api.query())
    page = service.list_sessions(owner, agent_id, limit=request.limit, after=request.next)
    api.note(agent_id=agent_id.lower())
    return json_response(HTTPStatus.OK, session_page_body(page))


@api.route("DELETE /agents/{agent_id}/sessions")
def end_agent_sessions(agent_id: str) -> Response:
    """Sign an agent out everywhere."""
    ended = service.end_all_sessions(api.owner(), agent_id)
    api.note(agent_id=agent_id.lower())
    return json_response(HTTPStatus.OK, ended_body(ended))


@api.route("PATCH /agents/{agent_id}/sessions/{session_id}")
def update_agent_session(agent_id: str, session_id: str) -> Response:
    """Ask an agent to stop, or withdraw that."""
    owner = api.owner()
    request = StopInput.read(api.json_body(StopInput.example))
    session = service.request_stop(owner, agent_id, session_id, request.stop_requested)
    api.note(agent_id=session.agent_id, session_id=session.session_id)
    return json_response(HTTPStatus.OK, session_body(session))


@api.route("DELETE /agents/{agent_id}/sessions/{session_id}")
def end_agent_session(agent_id: str, session_id: str) -> Response:
    """End one session by its handle; this also succeeds if it had already ended."""
    service.end_session(api.owner(), agent_id, session_id)
    api.note(agent_id=agent_id.lower(), session_id=session_id.lower())
    return json_response(HTTPStatus.NO_CONTENT)
