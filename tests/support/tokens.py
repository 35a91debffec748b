"""Session tokens made from their description in docs/authentication.md, without the code of the service."""

import base64

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def token_of(raw: bytes) -> str:
    """Return the token of 32 bytes: an agent's UUID and 16 others."""
    return with_checksum(f"ags_{base64.urlsafe_b64encode(raw).decode().rstrip('=')}")


def with_checksum(text: str) -> str:
    """Append the checksum that makes a token of 47 characters."""
    return text + base62(crc32(text.encode()))


def raw_of(token: str) -> bytes:
    """Return the 32 bytes of a token."""
    return base64.b64decode(token[4:47] + "=", altchars=b"-_", validate=True)


def crc32(data: bytes) -> int:
    """Return the CRC-32 of Ethernet, zlib and PNG, bit by bit."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def base62(number: int) -> str:
    """Return a number as 6 digits."""
    return "".join(ALPHABET[number // 62**power % 62] for power in (5, 4, 3, 2, 1, 0))
