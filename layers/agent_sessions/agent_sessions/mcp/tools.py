"""The tools: one registry, from which the definitions that clients list, the calls and the documents derive."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent_sessions.errors import (
    AgentBlockedError,
    AgentSessionsError,
    DatabaseError,
    InvalidSessionError,
    NotFoundError,
    ValidationError,
)
from agent_sessions.http.request_models import Input
from agent_sessions.mcp import actions
from agent_sessions.mcp.arguments import (
    CheckInArguments,
    EndSessionsArguments,
    FindAgentArguments,
    ListSessionsArguments,
    SignInArguments,
    SignOutArguments,
    WhoamiArguments,
    input_schema,
)
from agent_sessions.mcp.protocol import UnknownToolError
from agent_sessions.mcp.results import (
    AGENT,
    MESSAGE,
    PRESENCE,
    SESSION,
    SIGNED_IN,
    STRING,
    TOKEN,
    Result,
    Schema,
    nullable,
    object_schema,
)
from agent_sessions.mcp.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool: what a model reads of it, and what it does.

    Args:
        annotations: Hints for clients, such as whether to ask a person first.
    """

    name: str
    title: str
    description: str
    arguments: type[Input]
    output: Schema
    call: Callable[[Services, Any], Result]
    annotations: dict[str, bool]

    def definition(self) -> dict[str, Any]:
        """Return the tool as clients list it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": input_schema(self.arguments),
            "outputSchema": self.output,
            "annotations": {"title": self.title, "openWorldHint": False, **self.annotations},
        }


READ_ONLY = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True}
WRITES = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": False}
WRITES_ONCE = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": True}
DESTROYS = {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True}


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            name="sign_in",
            title="Sign in",
            description=(
                "Sign in as an agent, at the start of your work. The same agent_name and context is recognised as the "
                "same agent, also after a restart; case and spacing do not matter. Returns `session`, a handle for the "
                "other tools. The session ends by itself after 30 minutes without check_in and after 12 hours in any "
                "case, unless the deployment or your arguments set other limits. Sign in once per task, not per call."
            ),
            arguments=SignInArguments,
            output=object_schema({**SIGNED_IN, "message": MESSAGE}, {"session_token": TOKEN}),
            call=actions.sign_in,
            annotations=WRITES,
        ),
        Tool(
            name="check_in",
            title="Check in",
            description=(
                "Keep your session alive, and report what you are doing. Call it every few minutes while you work, and "
                "when you begin to wait for a person. If `stop_requested` is set in the result, your owner asks you to "
                "stop: finish cleanly and sign out."
            ),
            arguments=CheckInArguments,
            output=object_schema({**SESSION, "message": MESSAGE}),
            call=actions.check_in,
            annotations=WRITES_ONCE,
        ),
        Tool(
            name="sign_out",
            title="Sign out",
            description="End your own session, when your work is done.",
            arguments=SignOutArguments,
            output=object_schema(
                {
                    "ended": {"type": "boolean", "description": "Whether this call ended a live session."},
                    "message": MESSAGE,
                }
            ),
            call=actions.sign_out,
            annotations=WRITES_ONCE,
        ),
        Tool(
            name="whoami",
            title="Who am I?",
            description=(
                "Show on whose behalf you act: the owner that the gateway verified. With `session`, also show that "
                "session, without extending it."
            ),
            arguments=WhoamiArguments,
            output=object_schema(
                {
                    "owner": {**STRING, "description": "The verified caller, who owns the agents that you sign in."},
                    "session": nullable(object_schema(SESSION)),
                    "message": MESSAGE,
                }
            ),
            call=actions.whoami,
            annotations=READ_ONLY,
        ),
        Tool(
            name="find_agent",
            title="Find an agent",
            description=(
                "Look up one of your owner's agents by name and context: whether it exists, is online, is blocked, and "
                "when it was last seen."
            ),
            arguments=FindAgentArguments,
            output=object_schema({"agent": nullable(object_schema(AGENT, PRESENCE)), "message": MESSAGE}),
            call=actions.find_agent,
            annotations=READ_ONLY,
        ),
        Tool(
            name="list_sessions",
            title="List live sessions",
            description=(
                "List who is signed in: the live sessions of all your owner's agents, or of one agent, with what each "
                "last reported. A page can be short or empty; only `next: null` is the end. A new session can take a "
                "few seconds to appear in the list of all agents."
            ),
            arguments=ListSessionsArguments,
            output=object_schema(
                {
                    "sessions": {"type": "array", "items": object_schema(SESSION)},
                    "next": nullable(STRING),
                    "message": MESSAGE,
                }
            ),
            call=actions.list_sessions,
            annotations=READ_ONLY,
        ),
        Tool(
            name="end_sessions",
            title="End sessions",
            description=(
                "End one session by its handle, or all sessions of one agent by its agent_id. For other agents than "
                "yourself: ask a person first. To leave, call sign_out instead."
            ),
            arguments=EndSessionsArguments,
            output=object_schema(
                {
                    "ended": {"type": "integer", "minimum": 0},
                    "more": {"type": "boolean", "description": "Whether to call again, because time ran out."},
                    "message": MESSAGE,
                }
            ),
            call=actions.end_sessions,
            annotations=DESTROYS,
        ),
    )
}


def find_tool(name: str) -> Tool:
    """Return a tool by its name; raises UnknownToolError."""
    if name not in TOOLS:
        raise UnknownToolError
    return TOOLS[name]


def success_result(result: Result) -> Result:
    """Return what a tool returned as the protocol wants it: as JSON, and for older clients as text."""
    return {
        "content": [_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")))],
        "structuredContent": result,
        "isError": False,
    }


def error_result(error: AgentSessionsError) -> Result:
    """Return an error as the result of a tool, with what to do next."""
    return {"content": [_text(_advice(error))], "isError": True}


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _advice(error: AgentSessionsError) -> str:
    match error:
        case ValidationError():
            findings = "".join(f"\n- {each.field}: {each.message}" for each in error.errors)
            return f"Correct the arguments and call the tool again:{findings}"
        case InvalidSessionError():
            return (
                "This session has ended, or `session` names none of yours. Copy it exactly from the result of sign_in. "
                "If it has ended, call sign_in again with the same agent_name and context."
            )
        case AgentBlockedError():
            return "This agent is blocked. Do not sign in under another name: stop, and tell the person you work for."
        case NotFoundError():
            return "Your owner has no such agent or session. Call list_sessions or find_agent to see what exists."
        case DatabaseError():
            return "The database did not respond. Wait a few seconds, then call the tool again with the same arguments."
    return str(error)
