"""Session tokens: minted here, never stored; the tables keep only a handle derived from them."""

import base64
import binascii
import hashlib
import re
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Self

from agent_sessions.domain.identity import parse_id
from agent_sessions.errors import InvalidSessionError

PREFIX = "ags_"
# 32 bytes are 43 base64url characters, of which the last carries 4 bits; no CRC-32 begins with a digit above 4.
TOKEN_PATTERN = PREFIX + r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048][0-4][0-9A-Za-z]{5}"
"""Regular expression of a token, for secret scanners (docs/authentication.md); the checksum decides the rest."""

_TOKEN = re.compile(TOKEN_PATTERN)
_CHECKED = len(PREFIX) + 43
_CHECKSUM_CHARACTERS = 6
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class SessionToken:
    """The secret that an agent keeps.

    ``ags_``, then base64url of its agent's UUID and 128 random bits (OWASP ASVS 5.0, 7.2.3), then a checksum. Each
    token has exactly one spelling. It stays out of ``repr``, so that no log line can carry it by accident.
    """

    agent_id: str
    session_id: str
    secret: str = field(repr=False)

    @property
    def owner(self) -> None:
        """None: the token itself proves that its caller may use the session."""
        return

    @classmethod
    def mint(cls, agent_id: str) -> Self:
        """Make a new token for an agent, from the operating system's random numbers.

        Raises:
            ValueError: the agent's id is not a UUID in lower case, which a token could not lead back to.
        """
        if parse_id(agent_id) != agent_id:
            raise ValueError("an imported agent needs a UUID in lower case as its agent_id")
        raw = uuid.UUID(agent_id).bytes + secrets.token_bytes(16)
        checked = PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return cls._of(agent_id, checked + _checksum(checked))

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read what a caller presented, without any I/O; raises InvalidSessionError if it is not a token."""
        if not (isinstance(text, str) and _TOKEN.fullmatch(text) and text[_CHECKED:] == _checksum(text[:_CHECKED])):
            raise InvalidSessionError
        raw = base64.urlsafe_b64decode(text[len(PREFIX) : _CHECKED] + "=")
        return cls._of(str(uuid.UUID(bytes=raw[:16])), text)

    @classmethod
    def _of(cls, agent_id: str, secret: str) -> Self:
        return cls(agent_id, _handle(secret), secret)


def redact(text: str) -> str:
    """Return a text for a log, without whatever looks like a token in it."""
    return _TOKEN.sub(f"{PREFIX}…", text)


def _checksum(text: str) -> str:
    """Return the CRC-32 of ASCII text as 6 digits of base 62, most significant first."""
    number = binascii.crc32(text.encode("ascii"))
    digits = ""
    for _ in range(_CHECKSUM_CHARACTERS):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits


def _handle(secret: str) -> str:
    """Return the UUIDv8 (RFC 9562, 5.8) of the first 16 bytes of a token's SHA-256."""
    digest = bytearray(hashlib.sha256(secret.encode("ascii")).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))
