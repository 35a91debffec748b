"""Find agents, see their presence, list and end their sessions."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from agent_sessions.http.api import HttpApi, json_response
from agent_sessions.http.request_models import FindAgentInput, ListSessionsInput
from agent_sessions.http.response_models import agent_body, ended_body, page_body
from agent_sessions.services.agents import AgentService
from agent_sessions.settings import Settings
from agent_sessions.snapstart import reseed_after_restore

settings = Settings.from_environment()
api = HttpApi(settings)
service = AgentService.from_settings(settings, count=api.count)
handler = api.handle
reseed_after_restore()


@api.get("/agents")
def find_agent() -> Response[str]:
    """Find the agent with this name and context."""
    owner = api.owner()
    asked = FindAgentInput.read(api.query())
    presence = service.find_agent(owner, asked.agent_name, asked.context)
    api.note(agent_id=presence.agent.agent_id)
    return json_response(HTTPStatus.OK, agent_body(presence))


@api.get("/agents/<agent_id>")
def get_agent(agent_id: str) -> Response[str]:
    """Show an agent with its presence."""
    presence = service.get_agent(api.owner(), agent_id)
    api.note(agent_id=agent_id)
    return json_response(HTTPStatus.OK, agent_body(presence))


@api.get("/agents/<agent_id>/sessions")
def list_sessions(agent_id: str) -> Response[str]:
    """List the live sessions of an agent, a page at a time."""
    owner = api.owner()
    asked = ListSessionsInput.read(api.query())
    page = service.list_sessions(owner, agent_id, limit=asked.limit, after=asked.next)
    api.note(agent_id=agent_id)
    return json_response(HTTPStatus.OK, page_body(page))


@api.delete("/agents/<agent_id>/sessions")
def end_all_sessions(agent_id: str) -> Response[str]:
    """Sign an agent out everywhere."""
    ended = service.end_all_sessions(api.owner(), agent_id)
    api.note(agent_id=agent_id)
    return json_response(HTTPStatus.OK, ended_body(ended))


@api.delete("/agents/<agent_id>/sessions/<session_id>")
def end_session(agent_id: str, session_id: str) -> Response[str]:
    """End one session by its handle; also answered well where it had already ended."""
    service.end_session(api.owner(), agent_id, session_id)
    api.note(agent_id=agent_id, session_id=session_id)
    return json_response(HTTPStatus.NO_CONTENT)
