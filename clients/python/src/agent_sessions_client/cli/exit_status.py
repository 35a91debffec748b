"""The exit statuses of the command."""

from enum import IntEnum

from agent_sessions_client.errors import (
    AgentBlockedError,
    AgentSessionsError,
    CallerError,
    ConnectionFailedError,
    CredentialsError,
    InvalidSessionError,
    NotFoundError,
    ThrottledError,
    UnavailableError,
)


class ExitStatus(IntEnum):
    """What a script can decide by; `agent-sessions --help` lists them."""

    DONE = 0
    FAILED = 1
    WRONG_ARGUMENTS = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNAVAILABLE = 5
    STOP_REQUESTED = 6
    INTERRUPTED = 130

    @classmethod
    def of(cls, error: AgentSessionsError) -> "ExitStatus":
        """Return the exit status that an error means."""
        match error:
            case NotFoundError() | InvalidSessionError():
                return cls.NOT_FOUND
            case CallerError() | CredentialsError() | AgentBlockedError():
                return cls.REFUSED
            case UnavailableError() | ThrottledError() | ConnectionFailedError():
                return cls.UNAVAILABLE
            case _:
                return cls.FAILED


class CommandError(Exception):
    """What a verb cannot do, in a sentence, and its exit status."""

    def __init__(self, sentence: str, status: ExitStatus) -> None:
        super().__init__(sentence)
        self.status = status
