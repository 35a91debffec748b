import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.domain.characters import (
    CONTROLS,
    DEFAULT_IGNORABLES,
    UNSAFE_IN_NAMES,
    check_characters,
    clean_text,
    collapse,
    drop_ignorables,
    is_visible,
)
from agent_sessions.errors import FieldError, ValidationError

# Those that are assigned, and some of the 900,000 that are not or are for private use.
CODE_POINTS = [*range(0x32400), *range(0xE0000, 0xE1000), 0xF0000, 0xFFFFD, 0xFFFFE, 0x10FFFD, 0x10FFFF]
WHITE_SPACE = [chr(point) for point in CODE_POINTS if unicodedata.category(chr(point)) in ("Zs", "Zl", "Zp")]
BREAKS = ["\t", "\n", "\x0b", "\x0c", "\r", "\x85"]
ROBOT = "\U0001f916"


def points(*ranges: tuple[int, int]) -> set[int]:
    return {point for first, last in ranges for point in range(first, last + 1)}


def refusal(text: str, refused: frozenset[str] = UNSAFE_IN_NAMES, limit: int = 100) -> FieldError | None:
    try:
        clean_text("field", "Label", text, limit, refused=refused)
    except ValidationError as caught:
        (error,) = caught.errors
        return error
    return None


# -- the table of default-ignorable code points


def test_default_ignorables_follow_unicodes_derivation() -> None:
    # DerivedCoreProperties.txt generates them from Cf, variation selectors and others, without annotations, Egyptian
    # format controls and prepended concatenation marks, which are shown.
    assigned = {point for point in range(0x110000) if unicodedata.category(chr(point)) != "Cn"}
    format_characters = {point for point in assigned if unicodedata.category(chr(point)) == "Cf"}
    prepended_marks = points((0x600, 0x605), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2)) | {
        0x110BD,
        0x110CD,
    }
    other = points((0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x3164, 0x3164), (0xFFA0, 0xFFA0))
    variation_selectors = points((0x180B, 0x180D), (0x180F, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    derived = format_characters | other | variation_selectors
    derived -= points((0xFFF9, 0xFFFB), (0x13430, 0x1343F)) | prepended_marks

    assert points(*DEFAULT_IGNORABLES) & assigned == derived


def test_default_ignorables_that_are_reserved_are_unassigned() -> None:
    reserved = {point for point in points(*DEFAULT_IGNORABLES) if unicodedata.category(chr(point)) == "Cn"}

    assert reserved == points((0x2065, 0x2065), (0xFFF0, 0xFFF8), (0xE0000, 0xE0000), (0xE0002, 0xE001F)) | points(
        (0xE0080, 0xE00FF), (0xE01F0, 0xE0FFF)
    )


def test_ranges_are_sorted_and_apart() -> None:
    flat = [point for each in DEFAULT_IGNORABLES for point in each]

    assert flat == sorted(flat)
    assert all(first > last + 1 for (_, last), (first, _) in pairwise(DEFAULT_IGNORABLES))


def test_ignorables_are_dropped_and_nothing_else() -> None:
    listed = points(*DEFAULT_IGNORABLES)
    text = "".join(map(chr, CODE_POINTS))

    assert drop_ignorables(text) == "".join(chr(point) for point in CODE_POINTS if point not in listed)


# -- white space


def test_white_space_is_19_separators() -> None:
    assert len(WHITE_SPACE) == 19


@pytest.mark.parametrize("space", [*WHITE_SPACE, *BREAKS], ids=ascii)
def test_white_space_is_trimmed(space: str) -> None:
    assert collapse(f"{space}{space}a{space}") == "a"
    assert collapse(f" {space}\t{space} ") == ""


@pytest.mark.parametrize("space", WHITE_SPACE, ids=ascii)
def test_runs_of_white_space_become_one_space(space: str) -> None:
    assert collapse(f"a{space}b") == "a b"
    assert collapse(f"a{space}{space} b\u3000{space}c") == "a b c"


def test_collapse_changes_nothing_but_white_space() -> None:
    for point in CODE_POINTS:
        character = chr(point)
        trimmed = "" if character in (*WHITE_SPACE, *BREAKS) else character
        assert collapse(character) == trimmed
        assert collapse(f"a{character}b") == ("a b" if character in WHITE_SPACE else f"a{character}b")


# -- visible characters


def test_every_character_is_visible_by_its_category() -> None:
    listed = points(*DEFAULT_IGNORABLES) | {0x2800}
    for point in CODE_POINTS:
        expected = unicodedata.category(chr(point))[0] in "LNPS" and point not in listed
        assert is_visible(chr(point)) == expected, hex(point)


@pytest.mark.parametrize(
    "text", ["", " ", "\u2800", "\u3164", "\u0301", "\u200d\ufe0f", "\u0301\u2800 \u115f"], ids=ascii
)
def test_nothing_to_see_is_not_visible(text: str) -> None:
    assert not is_visible(text)


@pytest.mark.parametrize("text", ["a", " !", "\u0301\u2800x", "\u2764\ufe0f", ROBOT, "\u6587"], ids=ascii)
def test_one_visible_character_is_enough(text: str) -> None:
    assert is_visible(text)


# -- refused characters


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\x00b", "control characters; remove U+0000 (character 2 of the text as sent)"),
        ("\x00ab", "control characters; remove U+0000 (character 1 of the text as sent)"),
        ("ab\x7f", "control characters; remove U+007F (character 3 of the text as sent)"),
        ("a\tb", "control characters; remove U+0009 (character 2 of the text as sent)"),
        ("a\nb", "control characters; remove U+000A (character 2 of the text as sent)"),
        ("a\x85b", "control characters; remove U+0085 (character 2 of the text as sent)"),
        ("\x1fab", "control characters; remove U+001F (character 1 of the text as sent)"),
        ("\ud800", "lone surrogates; remove U+D800 (character 1 of the text as sent)"),
        (ROBOT + "\udc00", "lone surrogates; remove U+DC00 (character 2 of the text as sent)"),
        ("x\u0378", "unassigned code points; remove U+0378 (character 2 of the text as sent)"),
        ("x\ufffe", "unassigned code points; remove U+FFFE (character 2 of the text as sent)"),
        ("x\U0010ffff", "unassigned code points; remove U+10FFFF (character 2 of the text as sent)"),
        ("x\ue000", "private-use code points; remove U+E000 (character 2 of the text as sent)"),
        ("x\U000f0000", "private-use code points; remove U+F0000 (character 2 of the text as sent)"),
        ("x\u200b", "format characters; remove U+200B (character 2 of the text as sent)"),
        ("\ufeffx", "format characters; remove U+FEFF (character 1 of the text as sent)"),
        ("x\u00ad", "format characters; remove U+00AD (character 2 of the text as sent)"),
        ("x\u202ey", "format characters; remove U+202E (character 2 of the text as sent)"),
        ("x\U000e0041", "format characters; remove U+E0041 (character 2 of the text as sent)"),
        ("Caf\ufffd", "replacement characters; remove U+FFFD (character 4 of the text as sent)"),
        # The first of several, and positions before trimming and collapsing.
        ("a\u200bb\x00c", "format characters; remove U+200B (character 2 of the text as sent)"),
        (" \t a\u3000\u3000b\x07 \n", "control characters; remove U+0007 (character 8 of the text as sent)"),
        ("\n\x07 a", "control characters; remove U+0007 (character 2 of the text as sent)"),
    ],
    ids=ascii,
)
def test_refused_character_is_named_with_its_position(text: str, message: str) -> None:
    assert refusal(text) == FieldError("field", f"Label must not contain {message}")


def test_characters_of_names_are_refused_by_category() -> None:
    for point in CODE_POINTS:
        character = chr(point)
        refused = (unicodedata.category(character) in UNSAFE_IN_NAMES or point == 0xFFFD) and point not in (
            0x200C,
            0x200D,
        )
        assert (refusal(f"a{character}b") is not None) == refused, hex(point)


def test_other_texts_refuse_controls_surrogates_and_replacement_characters_only() -> None:
    refused = points((0x00, 0x1F), (0x7F, 0x9F), (0xD800, 0xDFFF), (0xFFFD, 0xFFFD))
    for point in CODE_POINTS:
        assert (refusal(f"a{chr(point)}b", CONTROLS) is not None) == (point in refused), hex(point)


@given(st.text(st.characters()), st.text(st.characters()))
def test_position_is_that_in_the_text_as_sent(before: str, after: str) -> None:
    error = refusal(f"{before}\x07{after}", limit=1_000)

    assert error is not None
    position = int(error.message.partition("(character ")[2].partition(" ")[0])
    assert f"remove U+{ord((before + '\x07' + after)[position - 1]):04X} " in error.message
    assert position <= len(before) + 1


@pytest.mark.parametrize(("length", "fits"), [(1, True), (9, True), (10, True), (11, False), (10_000, False)])
def test_length_counts_code_points_after_trimming(length: int, fits: bool) -> None:
    text = f"\u3000{ROBOT * (length - 1)}x\n "

    error = refusal(text, limit=10)

    assert error == (None if fits else FieldError("field", "Label must be 10 characters or less"))


def test_length_counts_a_run_of_white_space_as_one() -> None:
    assert clean_text("field", "Label", "a \u3000 b", 3) == "a b"


def test_check_characters_starts_at_the_given_position() -> None:
    check_characters("field", "Label", "\x00ab", start=1)

    with pytest.raises(ValidationError):
        check_characters("field", "Label", "\x00ab")
