"""What an agent says of itself at sign-in: a few short pairs of strings."""

import re
from collections.abc import Mapping
from typing import Any

from agent_sessions.domain.characters import check_characters
from agent_sessions.errors import FieldError, ValidationError

MAX_PAIRS = 16
MAX_VALUE_CHARACTERS = 128
MAX_BYTES = 512

_KEY = re.compile(r"[a-z][a-z0-9_.-]{0,31}")


def clean_metadata(values: Mapping[Any, Any]) -> dict[str, str]:
    """Return the metadata of a session.

    Raises:
        ValidationError: names ``metadata.<key>``, or ``metadata`` if the finding concerns all of it or a key that
            is not safe to repeat.
    """
    if len(values) > MAX_PAIRS:
        raise _error("metadata", f"metadata must have at most {MAX_PAIRS} keys; remove {len(values) - MAX_PAIRS}")
    errors: list[FieldError] = []
    for key, value in values.items():
        try:
            _check(key, value)
        except ValidationError as error:
            errors += error.errors
    if errors:
        raise ValidationError(*errors)
    size = sum(len(key.encode()) + len(value.encode()) for key, value in values.items())
    if size > MAX_BYTES:
        raise _error("metadata", f"metadata must have at most {MAX_BYTES} bytes of UTF-8 in all; it has {size}")
    return dict(values)


def _check(key: Any, value: Any) -> None:
    if not (isinstance(key, str) and _KEY.fullmatch(key)):
        raise _error("metadata", "Keys of metadata must match [a-z][a-z0-9_.-]{0,31}; rename or remove the others")
    field = f"metadata.{key}"
    if not isinstance(value, str):
        raise _error(field, f"{field} must be a string")
    if len(value) > MAX_VALUE_CHARACTERS:
        raise _error(field, f"{field} must be {MAX_VALUE_CHARACTERS} characters or less")
    check_characters(field, field, value)


def _error(field: str, message: str) -> ValidationError:
    return ValidationError(FieldError(field, message))
