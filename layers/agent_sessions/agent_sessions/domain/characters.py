"""Which characters a text may have, and which of them can be seen.

White space is what Unicode calls separators (Zs, Zl, Zp). At both ends of a text, tabs and line breaks count as well.
"""

import re
import unicodedata

from agent_sessions.errors import FieldError, ValidationError

REPLACEMENT = "\ufffd"
CONTROLS = frozenset({"Cc", "Cs"})
"""Categories that no text may have: control characters and lone surrogates."""
UNSAFE_IN_NAMES = frozenset({"Cc", "Cs", "Cn", "Co", "Cf"})
"""Categories that a name may not have either: people tell names apart by sight, and keys must not change."""

# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt: what fonts show as nothing. Frozen, because
# identity keys are stored; versions 14.0 to 17.0 have the same list.
DEFAULT_IGNORABLES = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors and vowel separator
    (0x200B, 0x200F),  # zero width space, joiners, direction marks
    (0x202A, 0x202E),  # direction embeddings and overrides
    (0x2060, 0x206F),  # word joiner, invisible operators, direction isolates
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # zero width no-break space
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xFFF0, 0xFFF8),  # reserved
    (0x1BCA0, 0x1BCA3),  # shorthand format controls
    (0x1D173, 0x1D17A),  # musical format controls
    (0xE0000, 0xE0FFF),  # tags, variation selectors, reserved
)

_WHITE_SPACE = (
    " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
# Tabs and line breaks: the control characters that have Unicode's property White_Space.
_TRIMMED = _WHITE_SPACE + "\t\n\v\f\r\x85"
_RUN = re.compile(f"[{_WHITE_SPACE}]+")
_IGNORABLE = re.compile("[{}]+".format("".join(f"{chr(first)}-{chr(last)}" for first, last in DEFAULT_IGNORABLES)))

# Zero width (non-)joiner: format characters, but Persian, Indic scripts and emoji are written with them.
_JOINERS = "\u200c\u200d"
_BRAILLE_BLANK = "\u2800"
_KINDS = {
    "Cc": "control characters",
    "Cs": "lone surrogates",
    "Cn": "unassigned code points",
    "Co": "private-use code points",
    "Cf": "format characters",
}


def collapse(text: str) -> str:
    """Return a text without white space at its ends, and with one space for each run of it."""
    trimmed = text.strip(_TRIMMED)
    # Most texts have single spaces only. The space is the only white space that is ASCII or printable.
    if "  " not in trimmed and (trimmed.isascii() or trimmed.isprintable()):
        return trimmed
    return _RUN.sub(" ", trimmed)


def drop_ignorables(text: str) -> str:
    """Return a text without the code points that are shown as nothing."""
    return text if text.isascii() else _IGNORABLE.sub("", text)


def is_visible(text: str) -> bool:
    """Whether a text has a letter, number, punctuation mark or symbol that can be seen."""
    for character in text:
        if "!" <= character <= "~":  # all that can be seen in ASCII
            return True
        shown = character != _BRAILLE_BLANK and not _IGNORABLE.match(character)
        if shown and unicodedata.category(character)[0] in "LNPS":
            return True
    return False


def clean_text(field: str, label: str, text: str, limit: int, *, refused: frozenset[str] = CONTROLS) -> str:
    """Trim a text and collapse its white space.

    Args:
        field: Name of the field, for programs.
        label: What the text is called, for people.
        text: As it was sent.
        limit: Characters (code points) that may be left.
        refused: Categories of characters that the text must not have.

    Raises:
        ValidationError: the text is longer, or has a refused character or U+FFFD.
    """
    cleaned = collapse(text)
    if len(cleaned) > limit:
        raise ValidationError(FieldError(field, f"{label} must be {limit} characters or less"))
    if not cleaned.isprintable() or REPLACEMENT in cleaned:
        check_characters(field, label, text.rstrip(_TRIMMED), refused, start=len(text) - len(text.lstrip(_TRIMMED)))
    return cleaned


def check_characters(field: str, label: str, text: str, refused: frozenset[str] = CONTROLS, *, start: int = 0) -> None:
    """Raise ValidationError that names the first refused character, or U+FFFD, by code point and position.

    U+FFFD stands for bytes that were not UTF-8: two garbled texts must not become one.
    """
    for index in range(start, len(text)):
        character = text[index]
        category = unicodedata.category(character)
        if character == REPLACEMENT:
            kind = "replacement characters"
        elif category in refused and character not in _JOINERS:
            kind = _KINDS[category]
        else:
            continue
        position = f"U+{ord(character):04X} (character {index + 1} of the text as sent)"
        raise ValidationError(FieldError(field, f"{label} must not contain {kind}; remove {position}"))
