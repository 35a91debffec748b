"""Read the body of an API Gateway event as JSON. The body can be any bytes."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Never

from agent_sessions.errors import FieldError, PayloadTooLargeError, ValidationError

MAX_BODY_BYTES = 8 * 1024


def read_json_object(event: Mapping[str, Any], *, example: str) -> dict[str, Any]:
    """Return the JSON object in the body of an event; raises as ``read_json``, and ValidationError if it is not one."""
    value = read_json(event, example=example)
    if not isinstance(value, dict):
        raise _invalid(f"The body must be a JSON object such as {example}")
    return value


def read_json(event: Mapping[str, Any], *, example: str) -> Any:
    """Return the JSON value in the body of an event.

    Args:
        event: The event.
        example: A body that the route would accept, for the messages of errors.

    Raises:
        PayloadTooLargeError: the body has 8 KB or more.
        ValidationError: the body is empty, not UTF-8, not JSON, nested too deeply, has a field twice, or is not
            base64 although the event says so. The error's field is ``body``.
    """
    raw = _bytes(event)
    if len(raw) >= MAX_BODY_BYTES:
        raise PayloadTooLargeError(f"The body must be smaller than {MAX_BODY_BYTES} bytes; shorten it")
    if not raw.strip():
        raise _invalid(f"The body is empty; send a JSON object such as {example}")
    try:
        return json.loads(
            raw.decode("utf-8-sig"), parse_constant=_reject_constant, object_pairs_hook=_reject_duplicates
        )
    except UnicodeDecodeError:
        raise _invalid("The body is not UTF-8; encode it as UTF-8") from None
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise _invalid(f"The body is not JSON: {reason} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _invalid(f"The body is nested too deeply; send a flat JSON object such as {example}") from None
    except ValidationError:
        raise
    except ValueError:  # Python parses no integer of more than 4,300 digits
        raise _invalid("The body has a number with too many digits; shorten it") from None


def _bytes(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _invalid("The body is marked as base64 but is not base64; send it as text") from None


def _invalid(message: str) -> ValidationError:
    return ValidationError(FieldError("body", message))


def _reject_constant(name: str) -> Never:
    raise _invalid(f"The body is not JSON, which has no {name}; remove it")


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise _invalid("The body has a field twice; remove one")
    return values
