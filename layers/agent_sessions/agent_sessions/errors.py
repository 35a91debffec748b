"""The errors of the package. The type alone decides the HTTP status (see ``http.problems``)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One invalid field of the input: its name, and a sentence that describes what to change."""

    field: str
    message: str


class AgentSessionsError(Exception):
    """Base class of all errors that callers can handle."""


class ValidationError(AgentSessionsError, ValueError):
    """The input is invalid; ``errors`` names each field and what to change.

    Also a ``ValueError``, so that pydantic collects it together with its own errors.
    """

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


class PayloadTooLargeError(AgentSessionsError):
    """The request body is larger than the API accepts."""


class InvalidSessionError(AgentSessionsError):
    """No live session belongs to the token.

    The message is the same for a missing, malformed, unknown, expired and signed-out token, so that the
    response does not disclose which one it is (RFC 6750, 3.1).
    """

    def __init__(self) -> None:
        super().__init__("Invalid or expired session")


class SessionTokenRequiredError(InvalidSessionError):
    """The request carries no bearer token at all."""

    def __init__(self) -> None:
        AgentSessionsError.__init__(self, "Session token is required: send Authorization: Bearer <session_token>")


class AgentBlockedError(AgentSessionsError):
    """The owner has blocked the agent, so it cannot sign in; ``agent_id`` is for the audit log."""

    def __init__(self, agent_id: str | None = None) -> None:
        super().__init__("The agent is blocked; ask its owner to unblock it")
        self.agent_id = agent_id


class CallerError(AgentSessionsError):
    """The gateway verifies callers, but did not name this one by an ARN, a Cognito identity, or issuer and subject."""

    def __init__(self) -> None:
        super().__init__(
            "The gateway did not identify the caller: AWS_IAM needs an ARN, JWT needs iss and sub claims; check ApiAuth"
        )


class NotFoundError(AgentSessionsError):
    """The path, agent or session does not exist; another owner's looks like a missing one."""


class DatabaseError(AgentSessionsError):
    """DynamoDB throttled the call, failed or could not be reached; a retry can succeed."""

    def __init__(self, operation: str) -> None:
        super().__init__("The database is unavailable; retry the request")
        self.operation = operation
