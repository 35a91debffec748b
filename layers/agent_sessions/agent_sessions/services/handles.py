"""What names a session: a token, which is a secret, or its public handle together with its verified owner."""

from dataclasses import dataclass
from typing import Protocol, Self

from agent_sessions.domain.identity import parse_id_pair
from agent_sessions.domain.tokens import SessionToken
from agent_sessions.errors import InvalidSessionError


class SessionName(Protocol):
    """The key of a session, and the owner on whose behalf it is named; None if the name itself is the secret."""

    @property
    def agent_id(self) -> str: ...  # noqa: D102

    @property
    def session_id(self) -> str: ...  # noqa: D102

    @property
    def owner(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class SessionHandle:
    """A session named by ``agent_id/session_id`` on behalf of an owner.

    The handle is public and proves nothing, so it names only a session of the owner that the gateway verified.
    """

    agent_id: str
    session_id: str
    owner: str

    @classmethod
    def parse(cls, text: str, owner: str) -> Self:
        """Read a handle in either case, without any I/O; raises InvalidSessionError if it is not one."""
        if (ids := parse_id_pair(text)) is None:
            raise InvalidSessionError
        return cls(*ids, owner)


def session_name(session: str | SessionHandle) -> SessionName:
    """Return what names a session, from a token as it was presented or from a handle.

    Raises:
        InvalidSessionError: the text is not a token.
    """
    return session if isinstance(session, SessionHandle) else SessionToken.parse(session)
