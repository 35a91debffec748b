"""What the tools return: objects of the HTTP API, reduced to what a model needs, and their JSON schemas."""

from collections.abc import Mapping
from typing import Any

type Schema = dict[str, Any]
type Result = dict[str, Any]

STRING: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}
NULL: Schema = {"type": "null"}
MESSAGE: Schema = {"type": "string", "description": "What happened, and what to do next."}


def object_schema(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Return the schema of an object that has no other fields."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def nullable(schema: Schema, description: str = "") -> Schema:
    """Return the schema of a value or null. Clients that map schemas to another dialect read no list of types."""
    return {"anyOf": [schema, NULL]} | ({"description": description} if description else {})


# Without what only a program needs, and without the owner, which is the same for everything that a caller sees.
SESSION: dict[str, Schema] = {
    "session": {"type": "string", "description": "The handle to pass to the other tools; it is not a secret."},
    "agent_id": STRING,
    "agent_name": STRING,
    "context": nullable(STRING, "What the agent works on."),
    "display_name": STRING,
    "metadata": {"type": "object", "additionalProperties": STRING},
    "state": nullable({"type": "string", "enum": ["working", "waiting", "idle"]}),
    "activity": nullable(STRING, "The activity that the agent last reported."),
    "progress_at": nullable(TIME, "When the agent last reported."),
    "stop_requested": nullable(
        object_schema({"reason": STRING, "at": TIME}),
        "Set if the owner asks the agent to stop: finish cleanly, then sign out.",
    ),
    "created_at": TIME,
    "last_active": TIME,
    "expires_at": {**TIME, "description": "When the session ends unless it is used."},
    "ends_at": {**TIME, "description": "When the session ends even if it is in use."},
}
SIGNED_IN: dict[str, Schema] = {
    **SESSION,
    "session_id": STRING,
    "identity_key": STRING,
    "avatar_seed": STRING,
    "reused": {"type": "boolean", "description": "Whether the agent existed before."},
}
TOKEN: Schema = {"type": "string", "description": "The secret. Only with `return_token`."}
AGENT: dict[str, Schema] = {
    "agent_id": STRING,
    "agent_name": STRING,
    "context": nullable(STRING),
    "display_name": STRING,
    "created_at": TIME,
    "last_active": {**TIME, "description": "When the agent was last seen, up to minutes behind."},
    "blocked": {"type": "boolean", "description": "Whether it may not sign in."},
}
PRESENCE: dict[str, Schema] = {
    "online": {"type": "boolean", "description": "Whether it has a live session; absent if that is unknown."},
    "active_sessions": {"type": "integer", "minimum": 0},
    "active_sessions_capped": {"type": "boolean", "description": "Whether there may be more."},
}


def reduced(body: Mapping[str, Any], *fields: dict[str, Schema]) -> Result:
    """Return the fields of an agent or a session of the HTTP API that these schemas name; a session with its handle."""
    names = [name for each in fields for name in each]
    handle = {"session": f"{body['agent_id']}/{body['session_id']}"} if "session_id" in body else {}
    return {name: value for name, value in {**handle, **body}.items() if name in names}
