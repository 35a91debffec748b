"""What callers send: pydantic models that name each invalid field and what to change.

Imported by the routes that read input, when they do: validating a token needs no pydantic.
"""

import re
from typing import Annotated, Any, ClassVar, Self

import pydantic
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import ErrorDetails

from agent_sessions.domain.identity import (
    ID_PATTERN,
    MAX_CONTEXT_CHARACTERS,
    MAX_NAME_CHARACTERS,
    clean_agent_name,
    clean_context,
    parse_id,
    parse_id_pair,
)
from agent_sessions.domain.metadata import KEY_PATTERN, MAX_PAIRS, MAX_VALUE_CHARACTERS, clean_metadata
from agent_sessions.domain.models import MAX_PAGE, MIN_SECONDS, State
from agent_sessions.domain.progress import (
    MAX_ACTIVITY_CHARACTERS,
    MAX_REASON_CHARACTERS,
    clean_activity,
    clean_reason,
    clean_state,
)
from agent_sessions.errors import FieldError, ValidationError

# A field's name is repeated to the caller only if it cannot be anything but a name.
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")

_EXPECTED = {
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_parsing_size": "a shorter number",
    "dict_type": "an object of strings",
}


def _integer(value: Any) -> Any:
    # JSON has one kind of number: 60.0 is an integer to JSON Schema, and some clients write every number so.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _page_size(value: Any) -> int:
    # A query has only strings, the arguments of an MCP tool have numbers.
    value = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else _integer(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_PAGE:
        return value
    raise ValidationError(FieldError("limit", f"limit must be a whole number from 1 to {MAX_PAGE}"))


def _bad_position() -> ValidationError:
    return ValidationError(FieldError("next", "next must be the previous page's `next`; omit it to start over"))


def _id_position(value: str | None) -> str | None:
    if value is None:
        return None
    if position := parse_id(value):
        return position
    raise _bad_position()


def _session_position(value: str | None) -> str | None:
    if value is None:
        return None
    if position := parse_id_pair(value):
        return "/".join(position)
    raise _bad_position()


# Without a pattern: no dialect of regular expressions that every generator of clients reads has Unicode's categories,
# and minLength and maxLength cannot say that the limits apply to what is left after trimming.
AgentName = Annotated[
    str,
    AfterValidator(clean_agent_name),
    Field(
        description=f"Name of the agent: 1 to {MAX_NAME_CHARACTERS} characters after trimming, at least one visible, "
        "no control or format characters. Case and spacing do not matter: the same name is the same agent.",
        examples=["Claude"],
    ),
]
Context = Annotated[
    str | None,
    AfterValidator(clean_context),
    Field(
        description=f"What the agent works on: up to {MAX_CONTEXT_CHARACTERS} characters after trimming, under the "
        "rules of agent_name. Blank is none. The same name in two contexts is two agents.",
        examples=["Project A"],
    ),
]
Limit = Annotated[
    int,
    Field(ge=1, le=MAX_PAGE, description=f"The most entries to return: 1 to {MAX_PAGE}, by default {MAX_PAGE}."),
    BeforeValidator(_page_size),  # last: pydantic writes minimum and maximum into the schema of the int only
]


ReportedState = Annotated[
    State | None,
    BeforeValidator(clean_state),  # pydantic has an error of its own for a lone surrogate
    Field(description="What the agent is doing; `waiting` is for a person or another system.", examples=["working"]),
]
Activity = Annotated[
    str | None,
    AfterValidator(clean_activity),
    Field(
        description=f"What it is doing in words, up to {MAX_ACTIVITY_CHARACTERS} characters.",
        examples=["reviewing pull request 12"],
    ),
]
SessionPosition = Annotated[str | None, AfterValidator(_session_position)]


def _next(**schema: Any) -> Any:
    return Field(description="The `next` of the previous page.", json_schema_extra=schema)


class Input(BaseModel):
    """What a caller sends, in the body or in the query."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    whole: ClassVar[str] = "query"
    """The name under which errors appear that belong to no field."""
    example: ClassVar[str] = ""
    """A body, for the messages of errors."""

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """Check all fields at once; raises ValidationError with every finding."""
        try:
            return cls.model_validate(values)
        except pydantic.ValidationError as error:
            findings = [
                finding
                for details in error.errors(include_url=False, include_input=False)
                for finding in cls._findings(details)
            ]
            raise ValidationError(*findings) from None

    @classmethod
    def _findings(cls, details: ErrorDetails) -> tuple[FieldError, ...]:
        # A name with a lone surrogate has no location.
        field = str(details["loc"][0]) if details["loc"] else ""
        match details["type"]:
            case "value_error":
                own: ValidationError = details["ctx"]["error"]
                return own.errors
            case "missing":
                return (FieldError(field, f"{field.replace('_', ' ').capitalize()} is required"),)
            case kind if field in cls.model_fields:
                return (FieldError(field, f"{field} must be {_EXPECTED[kind]}"),)
            case _:
                return (cls._unknown(field),)

    @classmethod
    def _unknown(cls, name: str) -> FieldError:
        kind = {"query": "parameter", "body": "field", "arguments": "argument"}[cls.whole]
        known = ", ".join(cls.model_fields)
        if not _PLAIN_NAME.fullmatch(name):
            return FieldError(cls.whole, f"There is an unknown {kind}: remove it, or use one of {known}")
        return FieldError(name, f"Unknown {kind} {name}: remove it, or use one of {known}")


class SignInInput(Input):
    """Who signs in, and for how long."""

    whole: ClassVar[str] = "body"
    example: ClassVar[str] = '{"agent_name": "Claude"}'

    agent_name: AgentName
    context: Context = None
    exclusive: Annotated[
        bool,
        Field(description="End the agent's other sessions. If two such sign-ins race, the later one stays."),
    ] = False
    metadata: Annotated[
        dict[str, Any] | None,
        BeforeValidator(lambda value: clean_metadata(value) if isinstance(value, dict) else value),
        Field(
            description="Up to 16 pairs of strings that describe the agent, such as its model or host, returned with "
            "the session: keys `[a-z][a-z0-9_.-]{0,31}`, values up to 128 characters, 512 bytes of UTF-8 in all.",
            examples=[{"model": "claude-opus", "host": "build-7"}],
            json_schema_extra={
                "maxProperties": MAX_PAIRS,
                "propertyNames": {"pattern": f"^{KEY_PATTERN}$"},
                "additionalProperties": {"type": "string", "maxLength": MAX_VALUE_CHARACTERS},
            },
        ),
    ] = None
    idle_seconds: Annotated[
        int | None,
        BeforeValidator(_integer),
        Field(
            description="Seconds without use after which this session ends: from 60 to the stack's "
            "IdleTimeoutSeconds, which is the default.",
            examples=[600],
            json_schema_extra={"minimum": MIN_SECONDS},
        ),
    ] = None
    lifetime_seconds: Annotated[
        int | None,
        BeforeValidator(_integer),
        Field(
            description="Seconds after which this session ends even if it is in use: from 60 to the stack's "
            "LifetimeSeconds, which is the default.",
            examples=[3600],
            json_schema_extra={"minimum": MIN_SECONDS},
        ),
    ] = None


class ProgressInput(Input):
    """What an agent reports of itself. At least one of the fields is needed; null removes an earlier report."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    whole: ClassVar[str] = "body"
    example: ClassVar[str] = '{"state": "working"}'

    state: ReportedState = None
    activity: Activity = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.model_fields_set:
            raise ValidationError(FieldError("body", "The body reports nothing; send state, activity or both"))
        return self


class StopInput(Input):
    """Whether an agent is asked to stop."""

    whole: ClassVar[str] = "body"
    example: ClassVar[str] = '{"stop_requested": "the budget is used up"}'

    stop_requested: Annotated[
        str | None,
        AfterValidator(lambda value: None if value is None else clean_reason(value)),
        Field(
            description=f"The reason, for the agent to read: 1 to {MAX_REASON_CHARACTERS} characters. null "
            "withdraws the request.",
            examples=["the budget of this run is used up"],
        ),
    ]


class BlockInput(Input):
    """Whether an agent is blocked."""

    whole: ClassVar[str] = "body"
    example: ClassVar[str] = '{"blocked": true}'

    blocked: Annotated[
        bool, Field(description="`true` refuses sign-ins and ends all sessions, `false` lets the agent sign in again.")
    ]


class ListAgentsInput(Input):
    """Which agents to list: all, or the one with a name and a context."""

    agent_name: AgentName | None = None
    context: Context = None
    limit: Limit = MAX_PAGE
    next: Annotated[str | None, AfterValidator(_id_position), _next(format="uuid")] = None

    @model_validator(mode="after")
    def _context_has_a_name(self) -> Self:
        if "context" in self.model_fields_set and self.agent_name is None:
            raise ValidationError(FieldError("context", "context needs agent_name: send it too, or remove context"))
        return self


class ListAgentSessionsInput(Input):
    """Which sessions of an agent to list."""

    limit: Limit = MAX_PAGE
    next: Annotated[str | None, AfterValidator(_id_position), _next(format="uuid")] = None


class ListSessionsInput(Input):
    """Which sessions of all agents to list."""

    limit: Limit = MAX_PAGE
    next: Annotated[SessionPosition, _next(pattern=f"^{ID_PATTERN}/{ID_PATTERN}$")] = None

    @property
    def position(self) -> tuple[str, str] | None:
        """The agent_id and the session_id after which to continue."""
        return None if self.next is None else parse_id_pair(self.next)
