"""What models send to the tools: pydantic models, and their JSON schemas in a form that every client reads."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from agent_sessions.errors import FieldError, ValidationError
from agent_sessions.http.request_models import (
    Activity,
    AgentName,
    Context,
    Input,
    Limit,
    ReportedState,
    SessionPosition,
    SignInInput,
)

type Schema = dict[str, Any]

DEFAULT_PAGE = 20
"""Sessions in a page: each is about 150 tokens of a model's context."""


Handle = Annotated[
    str,
    Field(
        description="The `session` that sign_in returned, copied exactly.",
        examples=["b9c79de4-2d2a-5f0e-8f2c-6f6f2f3a1b1d/0d8e6a5c-6a39-8f8b-9c1e-2f4a6b8c0d1e"],
    ),
]
AgentId = Annotated[str, Field(description="The `agent_id` of an agent, from find_agent or list_sessions.")]


class Arguments(Input):
    """The arguments of a tool."""

    whole: ClassVar[str] = "arguments"


class SignInArguments(SignInInput):
    """Who signs in, for how long, and whether the secret is returned."""

    whole: ClassVar[str] = "arguments"

    return_token: Annotated[
        bool,
        Field(
            description="Also return `session_token`, a secret. Only for handing it to a program that calls the HTTP "
            "API; you yourself do not need it, and it would stay in this conversation."
        ),
    ] = False


class CheckInArguments(Arguments):
    """A session, and what its agent reports."""

    session: Handle
    state: ReportedState = None
    activity: Activity = None


class SignOutArguments(Arguments):
    """The session to end."""

    session: Handle


class WhoamiArguments(Arguments):
    """The session to describe, or none."""

    session: Handle | None = None


class FindAgentArguments(Arguments):
    """The name and the context of an agent."""

    agent_name: AgentName
    context: Context = None


class ListSessionsArguments(Arguments):
    """Whose sessions to list, and which page."""

    agent_id: AgentId | None = None
    limit: Annotated[Limit, Field(description=f"The most sessions to return, by default {DEFAULT_PAGE}.")] = (
        DEFAULT_PAGE
    )
    next: Annotated[SessionPosition, Field(description="The `next` of the previous page.")] = None


class EndSessionsArguments(Arguments):
    """What to end: one session, or all of one agent."""

    session: Annotated[Handle | None, Field(description="The `session` to end, from list_sessions or sign_in.")] = None
    agent_id: AgentId | None = None

    @model_validator(mode="after")
    def _names_one(self) -> "EndSessionsArguments":
        if (self.session is None) == (self.agent_id is None):
            raise ValidationError(FieldError("arguments", "Send session to end one session, or agent_id to end all"))
        return self


def input_schema(model: type[Input]) -> Schema:
    """Return the JSON schema of a tool's arguments without references, titles, defaults and ``null``.

    Not every client reads those. A missing argument means the same as null, which the tools accept too.
    """
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    properties = {name: _plain(field, definitions) for name, field in schema["properties"].items()}
    required = {"required": schema["required"]} if "required" in schema else {}
    return {"type": "object", "properties": properties, **required, "additionalProperties": False}


def _plain(field: Schema, definitions: dict[str, Schema]) -> Schema:
    field = {key: value for key, value in field.items() if key not in ("title", "default")}
    for alternative in field.pop("anyOf", []):
        if alternative != {"type": "null"}:
            field = {**_plain(alternative, definitions), **field}
    if reference := field.pop("$ref", None):
        field = {**definitions[reference.rpartition("/")[2]], **field}
    return field
