"""Session tokens found again in whatever was written, however it is encoded.

A token is its agent's id, which is public, and 16 random bytes. Whoever has those has the token, so they
are what is looked for: the token with or without its beginning, as text or as bytes. What was written is
decoded in every way that it could have been encoded, so that its length and not the number of tokens
decides how long the search takes.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

SECRET_BYTES = 16
# The characters of a token that depend on nothing but the secret.
SECRET_CHARACTERS = 21
# Encodings within one another that are undone: the base64 of a URL in which a token is encoded twice.
DEPTH = 3

# A token, or anything in base64: + and / are - and _ by then.
_RUN = re.compile(rb"[A-Za-z0-9_-]{21,}")
_AS_URL = bytes.maketrans(b"+/", b"-_")
_AS_STANDARD = bytes.maketrans(b"-_", b"+/")
# 16 bytes and more, as bytes.hex and uuid.UUID write them.
_HEX = re.compile(rb"[0-9a-fA-F:-]{32,}")
_HEX_ALPHABET = b"0123456789abcdefABCDEF-"
# As Python and JSON write what cannot be printed.
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|u00([0-9a-fA-F]{2})|([abfnrtv0\\'\"/]))")
_SHORT = dict(zip(b"abfnrtv0\\'\"/", b"\a\b\f\n\r\t\v\0\\'\"/", strict=True))

CLEAN_RUNS = 50_000


class Secrets:
    """The tokens to look for.

    A token is remembered before it can be written, and its random bytes are random, also where a test
    makes them.
    """

    def __init__(self) -> None:
        self._texts: dict[bytes, str] = {}
        self._bytes: dict[bytes, str] = {}
        # Most of what is written is written again and again.
        self._clean: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._bytes)

    def remember(self, token: str) -> None:
        """Look for this token from now on."""
        self._texts[token[-SECRET_CHARACTERS:].encode()] = token
        self._bytes[base64.urlsafe_b64decode(token + "=")[-SECRET_BYTES:]] = token

    def find(self, written: str | bytes) -> str | None:
        """Return a token that occurs in what was written, in any form; None where none does."""
        # Characters that have no byte are in no form of a token.
        return self._find(written.encode("latin-1", "replace") if isinstance(written, str) else written, DEPTH)

    def _find(self, data: bytes, depth: int) -> str | None:
        if len(data) == SECRET_BYTES:  # as every id is that was written in hex
            return self._bytes.get(data)
        if found := self._find_bytes(data):
            return found
        for run in _RUN.findall(data.translate(_AS_URL)):
            # Ids and signatures, too, are most of what is met: no random base64 has hex digits alone.
            if run in self._clean or not run.strip(_HEX_ALPHABET):
                continue
            if found := self._find_text(run) or self._find_decoded(_from_base64(run), depth):
                return found
            if depth == DEPTH:
                self._keep_clean(run)
        return self._find_decoded(_from_escapes(data), depth) or self._find_decoded(_from_hex(data), depth)

    def _find_bytes(self, data: bytes) -> str | None:
        if data.isascii():  # 16 random bytes are not
            return None
        for start in range(len(data) - SECRET_BYTES + 1):
            if (window := data[start : start + SECRET_BYTES]) in self._bytes:
                return self._bytes[window]
        return None

    def _find_text(self, run: bytes) -> str | None:
        for start in range(len(run) - SECRET_CHARACTERS + 1):
            if (window := run[start : start + SECRET_CHARACTERS]) in self._texts:
                return self._texts[window]
        return None

    def _find_decoded(self, decoded: Iterator[bytes], depth: int) -> str | None:
        if depth == 0:
            return None
        return next((found for each in decoded if (found := self._find(each, depth - 1))), None)

    def _keep_clean(self, run: bytes) -> None:
        if len(self._clean) >= CLEAN_RUNS:
            self._clean.clear()
        self._clean.add(run)


def _from_base64(run: bytes) -> Iterator[bytes]:
    standard = run.translate(_AS_STANDARD)
    # What is before the first byte may look like base64 too, and so may what is behind the last.
    for start in range(4):
        whole = standard[start:] if (len(run) - start) % 4 != 1 else standard[start:-1]
        yield binascii.a2b_base64(whole + b"==")


def _from_hex(data: bytes) -> Iterator[bytes]:
    for run in _HEX.findall(data):
        digits = run.translate(None, b":-")
        for start in range(2):
            if len(digits) - start >= 2 * SECRET_BYTES:
                yield binascii.unhexlify(digits[start : start + (len(digits) - start) // 2 * 2])


def _from_escapes(data: bytes) -> Iterator[bytes]:
    if b"%" in data and (decoded := unquote_to_bytes(data)) != data:
        yield decoded
    if b"\\" in data and (decoded := _ESCAPE.sub(_unescaped, data)) != data:
        yield decoded


def _unescaped(escape: re.Match[bytes]) -> bytes:
    digits = escape[1] or escape[2]
    return bytes.fromhex(digits.decode()) if digits else bytes([_SHORT[escape[3][0]]])
