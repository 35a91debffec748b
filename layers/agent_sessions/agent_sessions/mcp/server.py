"""The server behind the protocol: its name, its tools on behalf of one owner, and where its clients get tokens."""

from typing import Any, Protocol

from agent_sessions.errors import AgentSessionsError
from agent_sessions.mcp.services import Services

VERSION = "0.1.0"
INSTRUCTIONS = (
    "Identity, sessions and presence for AI agents. Call sign_in once when your work begins, check_in every few "
    "minutes and when you begin to wait for a person, and sign_out when you are done. If check_in returns "
    "stop_requested, finish cleanly and sign out."
)


class Request(Protocol):
    """The request of which a message is the body; its log line names the tool, and what the tool acted on."""

    def note(self, **names: str) -> None:
        """Add names to the log line."""

    def record_error(self, error: Exception) -> None:
        """Count and log an error that is not the caller's."""


class AgentSessionsServer:
    """Lists and calls the tools on behalf of one owner.

    Args:
        services: What the tools call.
        request: Records what a tool did.
    """

    info: dict[str, Any] = {"name": "agent-sessions", "title": "Agent sessions", "version": VERSION}  # noqa: RUF012
    instructions = INSTRUCTIONS

    def __init__(self, services: Services, request: Request) -> None:
        self._services = services
        self._request = request

    def list_tools(self) -> list[dict[str, Any]]:
        """Return the definitions of all tools."""
        # pydantic takes as long to import as all the rest: only requests that need the tools wait for it.
        from agent_sessions.mcp.tools import TOOLS

        return [tool.definition() for tool in TOOLS.values()]

    def call_tool(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the result of a tool; raises UnknownToolError.

        An error that a model can act on is a result, too, which describes what to do next (SEP-1303).
        """
        from agent_sessions.mcp.tools import error_result, find_tool, success_result

        tool = find_tool(name)
        self._request.note(tool=tool.name)
        # Models send null for what they leave out.
        given = {argument: value for argument, value in arguments.items() if value is not None}
        try:
            result = tool.call(self._services, tool.arguments.read(given))
        except AgentSessionsError as error:
            self._request.record_error(error)
            self._request.note(error=type(error).__name__)
            return error_result(error)
        if "session" in result and "agent_id" in result:
            agent_id, _, session_id = result["session"].partition("/")
            self._request.note(agent_id=agent_id, session_id=session_id)
        return success_result(result)


def protected_resource(host: str, issuer: str, scopes: tuple[str, ...]) -> dict[str, Any]:
    """Return the metadata with which a client finds the issuer of its tokens (RFC 9728).

    Args:
        host: The name by which the client reached the API.
        issuer: Who issues the tokens that the gateway accepts.
        scopes: Scopes of which a token needs one; empty if it needs none.
    """
    metadata: dict[str, Any] = {
        "resource": f"https://{host}/mcp",
        "resource_name": "Agent sessions",
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
    }
    return metadata | ({"scopes_supported": list(scopes)} if scopes else {})
