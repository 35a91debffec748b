"""Finds session tokens in any text, in any encoding.

A token consists of its agent's id, which is public, 16 random bytes and a checksum. The random bytes are the secret, so
the search looks for them: with or without the id before them and the checksum behind them, as text or as bytes. It
decodes the text in every way in which it could have been encoded, so the time of a search depends on the length of the
text and not on the number of tokens.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

SECRET_BYTES = 16
# The characters of a token that encode its 32 bytes, and the last of them, which depend only on the secret.
ENCODED = slice(4, 47)
SECRET_CHARACTERS = 21
# Nested encodings that are decoded, such as base64 of a URL that contains a percent-encoded token.
DEPTH = 3

# A token, or anything in base64; + and / have become - and _ by then.
_RUN = re.compile(rb"[A-Za-z0-9_-]{21,}")
_AS_URL = bytes.maketrans(b"+/", b"-_")
_AS_STANDARD = bytes.maketrans(b"-_", b"+/")
# 16 bytes or more in the notation of bytes.hex and uuid.UUID.
_HEX = re.compile(rb"[0-9a-fA-F:-]{32,}")
_HEX_ALPHABET = b"0123456789abcdefABCDEF-"
# Escapes of Python and JSON for unprintable characters.
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|u00([0-9a-fA-F]{2})|([abfnrtv0\\'\"/]))")
_SHORT = dict(zip(b"abfnrtv0\\'\"/", b"\a\b\f\n\r\t\v\0\\'\"/", strict=True))

CLEAN_RUNS = 50_000


class Secrets:
    """The tokens to search for.

    A token is remembered before it can be written. Its secret is random, also if a test makes it.
    """

    def __init__(self) -> None:
        self._texts: dict[bytes, str] = {}
        self._bytes: dict[bytes, str] = {}
        # Most text is written again and again.
        self._clean: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._bytes)

    def remember(self, token: str) -> None:
        """Search for this token from now on."""
        encoded = token[ENCODED]
        self._texts[encoded[-SECRET_CHARACTERS:].encode()] = token
        self._bytes[base64.urlsafe_b64decode(encoded + "=")[-SECRET_BYTES:]] = token

    def find(self, written: str | bytes) -> str | None:
        """Return a token that occurs in the text, in any form; None if none does."""
        # No form of a token contains a character outside latin-1.
        return self._find(written.encode("latin-1", "replace") if isinstance(written, str) else written, DEPTH)

    def _find(self, data: bytes, depth: int) -> str | None:
        if len(data) == SECRET_BYTES:  # every decoded id has this length
            return self._bytes.get(data)
        if found := self._find_bytes(data):
            return found
        for run in _RUN.findall(data.translate(_AS_URL)):
            # Most runs are ids and signatures. Random base64 never consists of hex digits alone.
            if run in self._clean or not run.strip(_HEX_ALPHABET):
                continue
            if found := self._find_text(run) or self._find_decoded(_from_base64(run), depth):
                return found
            if depth == DEPTH:
                self._keep_clean(run)
        return self._find_decoded(_from_escapes(data), depth) or self._find_decoded(_from_hex(data), depth)

    def _find_bytes(self, data: bytes) -> str | None:
        if data.isascii():  # 16 random bytes are not ASCII
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
    # Characters before and after the encoded bytes may look like base64 too.
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
