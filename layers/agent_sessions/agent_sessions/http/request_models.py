"""What callers send: pydantic models that name each bad field and say what to change.

Imported by the routes that read input, when they do: validation of a token needs no pydantic.
"""

import re
from typing import Annotated, Any, ClassVar, Self

import pydantic
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import ErrorDetails

from agent_sessions.domain.identity import (
    MAX_CONTEXT_CHARACTERS,
    MAX_NAME_CHARACTERS,
    clean_agent_name,
    clean_context,
    parse_id,
)
from agent_sessions.domain.models import MAX_PAGE
from agent_sessions.errors import FieldError, ValidationError

# A field's name is told back only where it cannot be anything but a name.
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")

_NEEDED = {"string_type": "a string", "bool_type": "true or false"}


def _page_size(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) and 1 <= int(value) <= MAX_PAGE:
        return int(value)
    raise ValidationError(FieldError("limit", f"limit must be a whole number from 1 to {MAX_PAGE}"))


def _cursor(value: str | None) -> str | None:
    if value is None:
        return None
    if cursor := parse_id(value):
        return cursor
    raise ValidationError(FieldError("next", "next must be the previous page's `next`; omit it to start over"))


# Without a pattern: no dialect of regular expressions that every generator of clients reads has Unicode's categories,
# and minLength and maxLength cannot say that the limits apply to what is left after trimming.
AgentName = Annotated[
    str,
    AfterValidator(clean_agent_name),
    Field(
        description=f"Name of the agent: 1 to {MAX_NAME_CHARACTERS} characters after trimming, one of them visible, no "
        "control or format characters. Case and spacing do not matter: the same name is the same agent.",
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


class Input(BaseModel):
    """What a caller sends, in the body or in the query."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    whole: ClassVar[str] = "query"
    """What an error is blamed on that is no field's."""

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """Check all fields at once; raises ValidationError with every finding."""
        try:
            return cls.model_validate(values)
        except pydantic.ValidationError as error:
            raise ValidationError(*map(cls._finding, error.errors(include_url=False, include_input=False))) from None

    @classmethod
    def _finding(cls, details: ErrorDetails) -> FieldError:
        # A name with a lone surrogate has no location.
        field = str(details["loc"][0]) if details["loc"] else ""
        match details["type"]:
            case "value_error":
                own: ValidationError = details["ctx"]["error"]
                return own.errors[0]
            case "missing":
                return FieldError(field, f"{field.replace('_', ' ').capitalize()} is required")
            case kind if field in cls.model_fields:
                return FieldError(field, f"{field} must be {_NEEDED[kind]}")
            case _:
                return cls._unknown(field)

    @classmethod
    def _unknown(cls, name: str) -> FieldError:
        known = ", ".join(cls.model_fields)
        if not _PLAIN_NAME.fullmatch(name):
            return FieldError(cls.whole, f"There is an unknown field: remove it, or use one of {known}")
        return FieldError(name, f"Unknown field {name}: remove it, or use one of {known}")


class SignInInput(Input):
    """Who signs in."""

    whole: ClassVar[str] = "body"

    agent_name: AgentName
    context: Context = None
    exclusive: Annotated[
        bool, Field(description="End the agent's older sessions. Of two that race, the later stays.")
    ] = False


class FindAgentInput(Input):
    """Which agent to find."""

    agent_name: AgentName
    context: Context = None


class ListSessionsInput(Input):
    """Which sessions to list."""

    limit: Annotated[
        int, Field(ge=1, le=MAX_PAGE, description="The most sessions in the answer."), BeforeValidator(_page_size)
    ] = MAX_PAGE
    next: Annotated[
        str | None,
        AfterValidator(_cursor),
        Field(description="The `next` of the previous page.", json_schema_extra={"format": "uuid"}),
    ] = None
