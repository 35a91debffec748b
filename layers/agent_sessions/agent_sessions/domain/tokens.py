"""Session tokens: made here, never stored; the tables keep only a handle derived from them."""

import base64
import hashlib
import re
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Self

from agent_sessions.domain.identity import parse_id
from agent_sessions.errors import InvalidSessionError

# 32 bytes are 43 base64url characters; the last carries 4 bits, so only 16 of them can end a token.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


@dataclass(frozen=True, slots=True)
class SessionToken:
    """The secret that an agent keeps: base64url of its agent's UUID and 128 random bits (ASVS 5.0, 7.2.3).

    The token itself stays out of ``repr``, so that no log line can carry it by accident.
    """

    agent_id: str
    session_id: str
    secret: str = field(repr=False)

    @classmethod
    def mint(cls, agent_id: str) -> Self:
        """Make a new token for an agent, from the operating system's random numbers.

        Raises:
            ValueError: the agent's id is not a UUID in lower case, which a token could not lead back to.
        """
        if parse_id(agent_id) != agent_id:
            raise ValueError("an imported agent needs a UUID in lower case as its agent_id")
        raw = uuid.UUID(agent_id).bytes + secrets.token_bytes(16)
        return cls._of(agent_id, base64.urlsafe_b64encode(raw).rstrip(b"=").decode())

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read whatever was presented, without asking anyone; raises InvalidSessionError where it is no token."""
        if not (isinstance(text, str) and _TOKEN.fullmatch(text)):
            raise InvalidSessionError
        raw = base64.urlsafe_b64decode(text + "=")
        return cls._of(str(uuid.UUID(bytes=raw[:16])), text)

    @classmethod
    def _of(cls, agent_id: str, secret: str) -> Self:
        digest = hashlib.sha256(secret.encode()).digest()
        return cls(agent_id, str(uuid.UUID(bytes=digest[:16])), secret)
