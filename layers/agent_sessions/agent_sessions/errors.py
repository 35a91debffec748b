"""What can go wrong, by type: the type alone decides the HTTP status (see ``problems``)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field of the input: its name, and a sentence that says what to change."""

    field: str
    message: str


class AgentSessionsError(Exception):
    """The base of all errors that this package raises on purpose."""


class ValidationError(AgentSessionsError, ValueError):
    """The input is bad; ``errors`` names each field and what to change.

    Also a ``ValueError``, so that pydantic collects it together with its own findings.
    """

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


class PayloadTooLargeError(AgentSessionsError):
    """The request body has more bytes than the API takes."""


class InvalidSessionError(AgentSessionsError):
    """There is no live session for the token.

    One message for a missing, malformed, unknown, expired and signed-out token, so that the
    answer tells a guesser nothing (RFC 6750, 3.1).
    """

    def __init__(self) -> None:
        super().__init__("Invalid or expired session")


class CallerError(AgentSessionsError):
    """The gateway is set up to verify callers, and named none by ARN or subject."""

    def __init__(self) -> None:
        super().__init__("The gateway named no caller: a signed request needs an ARN, a token a sub; see ApiAuth")


class NotFoundError(AgentSessionsError):
    """Nothing is there for this caller; what another owner has is not told."""


class DatabaseError(AgentSessionsError):
    """DynamoDB throttled the call, failed or could not be reached; trying again may help."""

    def __init__(self, operation: str) -> None:
        super().__init__("The database did not answer; try again")
        self.operation = operation
