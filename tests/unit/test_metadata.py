from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.domain.metadata import MAX_BYTES, MAX_PAIRS, clean_metadata
from agent_sessions.errors import FieldError, ValidationError

RULE = "keys are 1 to 32 of a-z, 0-9, _, . and -, first a letter"
TOKEN = "ags_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh82zg5Kj"
SNOWMAN = "\N{SNOWMAN}"  # 3 bytes

KEYS = st.one_of(
    st.from_regex(r"[a-z][a-z0-9_.-]{0,31}", fullmatch=True), st.text(st.characters(), max_size=40), st.integers()
)
VALUES = st.one_of(st.text(st.characters(), max_size=140), st.none(), st.integers(), st.lists(st.text(max_size=3)))


def refusals(values: object) -> list[FieldError]:
    with pytest.raises(ValidationError) as caught:
        clean_metadata(values)
    return list(caught.value.errors)


def test_none_is_empty() -> None:
    assert clean_metadata(None) == {}
    assert clean_metadata({}) == {}


@pytest.mark.parametrize(
    "values",
    [
        {"model": "claude-opus-4", "host": "build-7", "run.id": "2026-11-27", "a": "", "z_9": " kept as it is "},
        {"k" * 32: "v"},
        {"k": "v" * 128},
        {"k": SNOWMAN * 128},
        {"k": "\u202e\u200b\ue000\u2028"},
        MappingProxyType({"k": "v"}),
    ],
    ids=["several", "longest key", "longest value", "code points", "other characters", "any mapping"],
)
def test_good_metadata_is_kept_as_sent(values: Any) -> None:
    cleaned = clean_metadata(values)

    assert cleaned == dict(values)
    assert cleaned is not values


@pytest.mark.parametrize("values", ["model=x", 7, True, [["model", "x"]], ()], ids=repr)
def test_metadata_must_be_an_object(values: object) -> None:
    assert refusals(values) == [FieldError("metadata", "metadata must be an object of strings")]


def test_up_to_16_pairs_are_kept() -> None:
    pairs = {f"k{number}": "v" for number in range(MAX_PAIRS)}

    assert clean_metadata(pairs) == pairs
    assert refusals(pairs | {"one": "more", "": 1}) == [
        FieldError("metadata", "metadata must have 16 pairs or less; remove 2")
    ]


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("Model", "metadata.Model"),
        ("1st", "metadata.1st"),
        ("_x", "metadata._x"),
        ("-x", "metadata.-x"),
        (".x", "metadata..x"),
        ("k" * 33, f"metadata.{'k' * 33}"),
        ("k" * 41, "metadata"),
        ("", "metadata"),
        ("two words", "metadata"),
        ("model\n", "metadata"),
        ("\x1b[31m", "metadata"),
        ("m\u043edel", "metadata"),  # a Cyrillic letter that looks like o
        ("\ud800", "metadata"),
        ("<script>", "metadata"),
        (TOKEN, "metadata"),
        (7, "metadata"),
        (None, "metadata"),
    ],
    ids=ascii,
)
def test_bad_key_is_named_only_if_it_is_safe_to_repeat(key: Any, field: str) -> None:
    name = "" if field == "metadata" else f" {key}"
    message = f"Rename or remove the metadata key{name}: {RULE}"

    assert refusals({"model": "x", key: "v"}) == [FieldError(field, message)]


@pytest.mark.parametrize("value", [None, 1, 1.5, True, ["x"], {"name": "x"}, b"x"], ids=repr)
def test_value_must_be_a_string(value: Any) -> None:
    assert refusals({"model": value}) == [FieldError("metadata.model", "metadata.model must be a string")]


def test_value_over_128_characters_is_refused() -> None:
    assert refusals({"model": SNOWMAN * 129}) == [
        FieldError("metadata.model", "metadata.model must be 128 characters or less")
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a\nb", "control characters; remove U+000A (character 2 of the text as sent)"),
        ("ab\t", "control characters; remove U+0009 (character 3 of the text as sent)"),
        ("\x9b31m", "control characters; remove U+009B (character 1 of the text as sent)"),
        ("\ud800", "lone surrogates; remove U+D800 (character 1 of the text as sent)"),
        ("Caf\ufffd", "replacement characters; remove U+FFFD (character 4 of the text as sent)"),
    ],
    ids=ascii,
)
def test_refused_character_is_named_with_its_key_and_position(value: str, message: str) -> None:
    assert refusals({"model": value}) == [FieldError("metadata.model", f"metadata.model must not contain {message}")]


@pytest.mark.parametrize(
    ("filler", "size"), [("v" * 29, MAX_BYTES), ("v" * 30, MAX_BYTES + 1), (f"{'v' * 26}{SNOWMAN}", MAX_BYTES)]
)
def test_all_keys_and_values_have_512_bytes_at_most(filler: str, size: int) -> None:
    values = {f"k{number:02}": "\u00e9" * 14 + "v" for number in range(15)} | {"key": filler}

    assert sum(len(key.encode()) + len(value.encode()) for key, value in values.items()) == size
    if size == MAX_BYTES:
        assert clean_metadata(values) == values
    else:
        assert refusals(values) == [
            FieldError("metadata", "metadata must be 512 bytes or less in all keys and values; it has 513")
        ]


def test_all_bad_pairs_are_named_at_once_and_each_finding_once() -> None:
    fields = [error.field for error in refusals({"a": 1, "b": "x" * 129, "Bad": "", "c": "\n", "": 1, " ": 2})]

    assert fields == ["metadata.a", "metadata.b", "metadata.Bad", "metadata.c", "metadata"]


@given(st.dictionaries(KEYS, VALUES, max_size=18))
def test_any_metadata_is_kept_or_refused_in_plain_words(values: dict[Any, Any]) -> None:
    try:
        cleaned = clean_metadata(values)
    except ValidationError as error:
        findings = error.errors
    else:
        assert cleaned == values
        return

    texts = [text for each in findings for text in (each.field, each.message)]
    assert all(text.isascii() and text.isprintable() and len(text) < 150 for text in texts)
    assert all(each.field.partition(".")[0] == "metadata" for each in findings)
    assert 1 <= len(findings) <= MAX_PAIRS
