"""What an agent states about itself at sign-in: a few short pairs of strings."""

import re
from collections.abc import Iterator, Mapping

from agent_sessions.domain.characters import check_characters
from agent_sessions.errors import FieldError, ValidationError

MAX_PAIRS = 16
MAX_VALUE_CHARACTERS = 128
MAX_BYTES = 512
"""UTF-8 bytes of all keys and values together."""

KEY_PATTERN = "[a-z][a-z0-9_.-]{0,31}"
_KEY = re.compile(KEY_PATTERN)
# A bad key is repeated to the caller only if it cannot be anything but a name: no token, no control character.
_SAFE_TO_REPEAT = re.compile(r"[A-Za-z0-9_.-]{1,40}")


def clean_metadata(values: object) -> dict[str, str]:
    """Return the metadata of a session as it was sent, or an empty one for None.

    Raises:
        ValidationError: names each bad pair as ``metadata.<key>``; or ``metadata``, if the key is not safe to
            repeat or the finding concerns all pairs.
    """
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise ValidationError(FieldError("metadata", "metadata must be an object of strings"))
    if len(values) > MAX_PAIRS:  # their findings would make a long response of a long request
        raise ValidationError(
            FieldError("metadata", f"metadata must have {MAX_PAIRS} pairs or less; remove {len(values) - MAX_PAIRS}")
        )
    findings = [finding for key, value in values.items() for finding in _findings(key, value)]
    if findings:
        raise ValidationError(*dict.fromkeys(findings))
    size = sum(len(text.encode()) for pair in values.items() for text in pair)
    if size > MAX_BYTES:
        raise ValidationError(
            FieldError("metadata", f"metadata must be {MAX_BYTES} bytes or less in all keys and values; it has {size}")
        )
    return dict(values)


def _findings(key: object, value: object) -> Iterator[FieldError]:
    if not (isinstance(key, str) and _KEY.fullmatch(key)):
        safe = isinstance(key, str) and _SAFE_TO_REPEAT.fullmatch(key)
        rule = "are 1 to 32 of a-z, 0-9, _, . and -, first a letter"
        # Named in the message too: of several bad keys, all would otherwise read alike in the detail of the response.
        name = f" {key}" if safe else ""
        yield FieldError(
            f"metadata.{key}" if safe else "metadata", f"Rename or remove the metadata key{name}: keys {rule}"
        )
        return
    field = f"metadata.{key}"
    if not isinstance(value, str):
        yield FieldError(field, f"{field} must be a string")
    elif len(value) > MAX_VALUE_CHARACTERS:
        yield FieldError(field, f"{field} must be {MAX_VALUE_CHARACTERS} characters or less")
    else:
        try:
            check_characters(field, field, value)
        except ValidationError as error:
            yield from error.errors
