import json
import unicodedata
import uuid
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent_sessions.domain.identity import (
    MAX_IDENTITY_KEY_BYTES,
    Identity,
    agent_id,
    avatar_seed,
    clean_agent_name,
    clean_context,
    display_name,
    is_id,
    normalise,
)
from agent_sessions.errors import FieldError, ValidationError

# What a JavaScript engine printed.
VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "data" / "identity_vectors.json").read_text())
VECTOR_IDS = [vector["identity_key"][:30].encode("ascii", "replace").decode() for vector in VECTORS]

ROBOT = "\U0001f916"
LIGATURE = "\ufdfa"  # one character that NFKC makes 18 of, in 33 bytes

# Mostly what keys are made of, so that collisions would be found.
KEY_LIKE = st.text(":%3A25aA ", max_size=6)
NAMES = st.one_of(KEY_LIKE, st.text(max_size=30)).filter(lambda text: is_clean(text) and text.strip() != "")
CONTEXTS = st.one_of(st.none(), KEY_LIKE, st.text(max_size=30)).filter(lambda text: text is None or is_clean(text))


def is_clean(text: str) -> bool:
    return all(unicodedata.category(character) not in ("Cc", "Cs") for character in text.strip())


def fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def refusal(name: str, context: str | None = None) -> FieldError:
    with pytest.raises(ValidationError) as caught:
        Identity.of(name, context)
    (error,) = caught.value.errors
    assert str(caught.value) == error.message
    return error


def javascript_seed(key: str) -> str:
    number = 0.0
    for unit in utf16_units(key):
        as_int32 = signed_32_bits(int(number))
        shifted = signed_32_bits(as_int32 << 5)
        number = float(unit) + float(shifted) - number
    whole = abs(int(number))
    digits = []
    for _ in range(12):
        digits.append("0123456789abcdefghijklmnopqrstuvwxyz"[whole % 36])
        whole //= 36
    text = "".join(reversed(digits)).lstrip("0")
    return ("0" * (8 - len(text)) + text)[:8]


def signed_32_bits(number: int) -> int:
    bits = number & 0xFFFFFFFF
    return bits - 0x100000000 if bits & 0x80000000 else bits


def utf16_units(text: str) -> list[int]:
    units = []
    for point in map(ord, text):
        if point > 0xFFFF:
            units += [0xD800 + ((point - 0x10000) >> 10), 0xDC00 + ((point - 0x10000) & 0x3FF)]
        else:
            units.append(point)
    return units


@pytest.mark.parametrize("vector", VECTORS, ids=VECTOR_IDS)
def test_keys_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    assert Identity.of(vector["agent_name"], vector["context"]).key == vector["identity_key"]


@pytest.mark.parametrize("vector", VECTORS, ids=VECTOR_IDS)
def test_avatar_seeds_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    assert avatar_seed(vector["identity_key"]) == vector["avatar_seed"]


@pytest.mark.parametrize("vector", VECTORS, ids=VECTOR_IDS)
def test_the_reference_in_this_file_agrees_with_the_vectors(vector: dict[str, Any]) -> None:
    assert javascript_seed(vector["identity_key"]) == vector["avatar_seed"]


@given(st.text(max_size=MAX_IDENTITY_KEY_BYTES))
@example("\uffff" * 680)
@example(ROBOT * 300)
@example("x" * MAX_IDENTITY_KEY_BYTES)
@settings(deadline=None)
def test_avatar_seed_computes_as_javascript_does(key: str) -> None:
    assert avatar_seed(key) == javascript_seed(key)


@pytest.mark.parametrize(("key", "seed"), [("", "00000000"), ("\x01", "00000001"), ("z", "0000003e")])
def test_a_short_avatar_seed_is_padded_with_zeros(key: str, seed: str) -> None:
    assert avatar_seed(key) == seed


@pytest.mark.parametrize("space", [" ", "\t", "\r\n", "\u00a0", "\u3000"], ids=ascii)
def test_input_is_trimmed(space: str) -> None:
    trimmed = Identity.of(f"{space}Claude{space}", f"{space}Project A{space}")

    assert trimmed == Identity.of("Claude", "Project A")
    assert (trimmed.agent_name, trimmed.context) == ("Claude", "Project A")


def test_an_identity_does_not_change() -> None:
    identity = Identity.of("Claude")

    with pytest.raises(FrozenInstanceError):
        identity.key = "claude:other"  # type: ignore[misc]


def test_what_is_kept_is_trimmed_and_otherwise_as_it_came() -> None:
    assert Identity.of(" \uff23LAUDE 100% ", " A:B ") == Identity("\uff23LAUDE 100%", "A:B", "claude 100%25:a%3Ab")


@pytest.mark.parametrize("name", ["", " ", "\t\r\n", "\u3000"], ids=ascii)
def test_a_blank_name_is_refused(name: str) -> None:
    assert refusal(name) == FieldError("agent_name", "Agent name is required")


@pytest.mark.parametrize("context", [None, "", " ", "\t\r\n", "\u3000"], ids=ascii)
def test_a_blank_context_is_no_context(context: str | None) -> None:
    assert Identity.of("Claude", context) == Identity("Claude", None, "claude:default")


@pytest.mark.parametrize("character", ["x", ":", "\u00e9", "\u6587", ROBOT], ids=ascii)
@pytest.mark.parametrize("length", [1, 2, 99, 100])
def test_a_name_of_1_to_100_characters_is_kept_whole(character: str, length: int) -> None:
    assert Identity.of(character * length).agent_name == character * length


@pytest.mark.parametrize("character", ["x", ":", "\u00e9", "\u6587", ROBOT], ids=ascii)
@pytest.mark.parametrize("length", [101, 10_000])
def test_a_name_of_over_100_characters_is_refused(character: str, length: int) -> None:
    assert refusal(character * length) == FieldError("agent_name", "Agent name must be 100 characters or less")


@pytest.mark.parametrize("character", ["x", ":", "\u00e9", "\u6587", ROBOT], ids=ascii)
@pytest.mark.parametrize("length", [1, 2, 199, 200])
def test_a_context_of_up_to_200_characters_is_kept_whole(character: str, length: int) -> None:
    assert Identity.of("Claude", character * length).context == character * length


@pytest.mark.parametrize("character", ["x", ":", "\u00e9", "\u6587", ROBOT], ids=ascii)
@pytest.mark.parametrize("length", [201, 10_000])
def test_a_context_of_over_200_characters_is_refused(character: str, length: int) -> None:
    assert refusal("Claude", character * length) == FieldError("context", "Context must be 200 characters or less")


def test_space_around_the_longest_input_is_not_counted() -> None:
    identity = Identity.of(f" {'n' * 100}\n", f"\t{'c' * 200} ")

    assert (identity.agent_name, identity.context) == ("n" * 100, "c" * 200)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\x00b", "U+0000 (character 2)"),
        ("\x00ab", "U+0000 (character 1)"),
        ("ab\x7f", "U+007F (character 3)"),
        ("a\nb", "U+000A (character 2)"),
        ("a\x1b[31mb", "U+001B (character 2)"),
        ("a\x85b", "U+0085 (character 2)"),
        ("\ud800", "U+D800 (character 1)"),
        ("ab\udfffc", "U+DFFF (character 3)"),
        (ROBOT + "\udc00", "U+DC00 (character 2)"),
    ],
    ids=ascii,
)
def test_a_control_character_or_lone_surrogate_is_named(text: str, told: str) -> None:
    rule = "must not contain control characters or lone surrogates; remove"

    assert refusal(text) == FieldError("agent_name", f"Agent name {rule} {told}")
    assert refusal("Claude", text) == FieldError("context", f"Context {rule} {told}")


def test_every_control_character_and_surrogate_is_refused_and_no_other_character() -> None:
    refused = {*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)}

    for point in {*range(0x3000), *range(0xD700, 0xE100), *range(0x1F000, 0x1FB00)}:
        if point in refused:
            with pytest.raises(ValidationError):
                clean_agent_name(f"a{chr(point)}b")
            with pytest.raises(ValidationError):
                clean_context(f"a{chr(point)}b")
        else:
            assert clean_agent_name(f"a{chr(point)}b") == f"a{chr(point)}b"
            assert clean_context(f"a{chr(point)}b") == f"a{chr(point)}b"


def test_every_character_that_is_a_name_makes_a_key() -> None:
    characters = (chr(point) for point in range(0x110000))
    names = [each for each in characters if each.strip() and unicodedata.category(each) not in ("Cc", "Cs")]

    assert len(names) > 1_000_000
    assert [ascii(name) for name in names if not normalise(clean_agent_name(name))] == []


@pytest.mark.parametrize(
    ("name", "context", "key"),
    [
        ("Claude", None, "claude:default"),
        ("Claude", "Default", "claude:default"),
        ("STRASSE", "stra\u00dfe", "strasse:strasse"),
        ("\uff23\uff4c\uff41\uff55\uff44\uff45", "\u2167", "claude:viii"),
        ("a:b", "c", "a%3Ab:c"),
        ("a", "b:c", "a:b%3Ac"),
        ("a%3Ab", "c", "a%253ab:c"),
        ("50%", "100%", "50%25:100%25"),
        ("a\uff1ab", "\uff05", "a%3Ab:%25"),
        ("\u00a8", None, "\u0308:default"),
    ],
    ids=ascii,
)
def test_key_is_folded_and_escaped(name: str, context: str | None, key: str) -> None:
    assert Identity.of(name, context).key == key


def test_a_colon_moved_between_name_and_context_makes_another_agent() -> None:
    assert Identity.of("a:b", "c").key != Identity.of("a", "b:c").key


def test_an_escape_spelled_out_makes_another_agent() -> None:
    assert len({Identity.of(name, "c").key for name in ("a:b", "a%3Ab", "a%253Ab")}) == 3


def test_default_is_the_same_agent_as_no_context() -> None:
    explicit, absent = Identity.of("Claude", "default"), Identity.of("Claude")

    assert explicit.key == absent.key
    assert (explicit.context, absent.context) == ("default", None)


@given(NAMES, CONTEXTS, NAMES, CONTEXTS)
@example("a:b", "c", "a", "b:c")
@example("a%3Ab", "c", "a:b", "c")
@example("a", "default", "a", None)
@settings(deadline=None)
def test_two_pairs_share_a_key_only_where_they_fold_alike(
    name: str, context: str | None, other_name: str, other_context: str | None
) -> None:
    def folded(name: str, context: str | None) -> tuple[str, str]:
        return fold(name), fold((context or "").strip() or "default")

    alike = folded(name, context) == folded(other_name, other_context)

    assert (Identity.of(name, context).key == Identity.of(other_name, other_context).key) is alike


@given(NAMES, CONTEXTS)
@settings(deadline=None)
def test_name_and_context_can_be_read_back_from_the_key(name: str, context: str | None) -> None:
    first, second = Identity.of(name, context).key.split(":")

    assert unquote(first) == fold(name)
    assert unquote(second) == fold((context or "").strip() or "default")


@given(NAMES, CONTEXTS)
@settings(deadline=None)
def test_spelling_of_the_same_text_makes_no_other_agent(name: str, context: str | None) -> None:
    key = Identity.of(name, context).key
    decomposed = unicodedata.normalize("NFD", name), context and unicodedata.normalize("NFD", context)

    assert Identity.of(*decomposed).key == key
    assert Identity.of(f"  {name}\n", context and f"\t{context} ").key == key


@pytest.mark.parametrize(("filler", "fits"), [(27, True), (28, False)])
def test_a_key_has_up_to_2048_bytes(filler: int, fits: bool) -> None:
    name = LIGATURE * 61 + "x" * filler

    if fits:
        assert len(Identity.of(name).key.encode()) == MAX_IDENTITY_KEY_BYTES == 2048
    else:
        assert refusal(name).field == "agent_name"


@pytest.mark.parametrize(
    ("name", "context", "field", "label"),
    [
        (LIGATURE * 100, None, "agent_name", "Agent name"),
        (LIGATURE * 100, "x" * 200, "agent_name", "Agent name"),
        ("x", LIGATURE * 200, "context", "Context"),
        (ROBOT * 100, LIGATURE * 60, "context", "Context"),
        (LIGATURE * 40, LIGATURE * 50, "context", "Context"),
        (LIGATURE * 50, LIGATURE * 40, "agent_name", "Agent name"),
    ],
    ids=["name", "name with context", "context", "context with a wide name", "longer context", "longer name"],
)
def test_a_key_that_the_index_cannot_hold_is_refused(name: str, context: str | None, field: str, label: str) -> None:
    assert refusal(name, context) == FieldError(
        field,
        f"{label} is too long once normalised: name and context together must be 2048 bytes or less; shorten it",
    )


@pytest.mark.parametrize(
    ("context", "shown"), [(None, "Claude"), ("Project A", "Claude - Project A"), ("default", "Claude - default")]
)
def test_display_name_adds_the_context(context: str | None, shown: str) -> None:
    assert display_name("Claude", context) == shown


def test_agent_ids_never_change() -> None:
    # Agents are stored under these.
    assert agent_id("public", "claude:default") == "4635ae41-c03a-534d-87c4-05465526a836"
    assert (
        agent_id("iam:arn:aws:iam::111122223333:user/ann", "claude:default") == "734172d8-ad64-527e-97c4-202ea82eb35a"
    )


def test_agent_ids_differ_by_owner_and_by_key() -> None:
    pairs = [(owner, key) for owner in ("public", "jwt:a", "iam:a") for key in ("a:b", "a:c", "b:a")]

    assert len({agent_id(owner, key) for owner, key in pairs}) == len(pairs)


@given(st.text("a:b", max_size=4), st.text("a:b", max_size=4), st.text("a:b", max_size=4), st.text("a:b", max_size=4))
@example("a", "b:c", "ab", ":c")
@settings(deadline=None)
def test_no_owner_runs_into_a_key(owner: str, key: str, other_owner: str, other_key: str) -> None:
    assert (agent_id(owner, key) == agent_id(other_owner, other_key)) is ((owner, key) == (other_owner, other_key))


def test_an_agent_id_is_a_uuid_of_version_5() -> None:
    made = agent_id("public", "claude:default")

    assert is_id(made)
    assert (uuid.UUID(made).version, uuid.UUID(made).variant) == (5, uuid.RFC_4122)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("4635ae41-c03a-534d-87c4-05465526a836", True),
        ("00000000-0000-0000-0000-000000000000", True),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", True),
        ("", False),
        ("health", False),
        ("4635AE41-C03A-534D-87C4-05465526A836", False),
        ("4635ae41c03a534d87c405465526a836", False),
        ("{4635ae41-c03a-534d-87c4-05465526a836}", False),
        ("urn:uuid:4635ae41-c03a-534d-87c4-05465526a836", False),
        ("4635ae41-c03a-534d-87c4-05465526a83", False),
        ("4635ae41-c03a-534d-87c4-05465526a8366", False),
        ("4635ae41-c03a-534d-87c4-05465526a83g", False),
        ("4635ae41-c03a-534d-87c4-05465526a836\n", False),
        (" 4635ae41-c03a-534d-87c4-05465526a836", False),
        ("4635ae41-c03a-534d-87c4-05465526a83\u0666", False),
    ],
    ids=ascii,
)
def test_only_a_uuid_as_the_service_writes_it_is_an_id(text: str, verdict: bool) -> None:
    assert is_id(text) is verdict
