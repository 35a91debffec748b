"""Reading the body of an API Gateway event, which may be anything, as a JSON object."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Never

from agent_sessions.errors import FieldError, PayloadTooLargeError, ValidationError

MAX_BODY_BYTES = 8 * 1024
EXAMPLE = '{"agent_name": "Claude"}'


def read_json_object(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object in the body of an event.

    Raises:
        PayloadTooLargeError: 8 KB or more.
        ValidationError: absent, not base64 where it is flagged so, not UTF-8, not JSON, not an object,
            nested too deep, or naming a field twice. The field is called ``body``.
    """
    raw = _bytes(event)
    if len(raw) >= MAX_BODY_BYTES:
        raise PayloadTooLargeError(f"The body must be less than {MAX_BODY_BYTES} bytes; shorten it")
    if not raw.strip():
        raise _bad(f"The body is empty; send a JSON object such as {EXAMPLE}")
    try:
        value = json.loads(
            raw.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=_refuse_repetition
        )
    except UnicodeDecodeError:
        raise _bad("The body is not UTF-8; encode it as UTF-8") from None
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise _bad(f"The body is not JSON: {what} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _bad(f"The body is nested too deep; send a flat JSON object such as {EXAMPLE}") from None
    except ValidationError:
        raise
    except ValueError:  # Python reads no integer of over 4,300 digits
        raise _bad("The body has a number that is too long; remove it") from None
    if not isinstance(value, dict):
        raise _bad(f"The body must be a JSON object such as {EXAMPLE}")
    return value


def _bytes(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _bad("The body is flagged as base64 and is not; send it as text") from None


def _bad(message: str) -> ValidationError:
    return ValidationError(FieldError("body", message))


def _refuse_constant(name: str) -> Never:
    raise _bad(f"The body is not JSON: it has no {name}; remove it")


def _refuse_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise _bad("The body names a field twice; keep one")
    return values
