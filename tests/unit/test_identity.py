import hashlib
import json
import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from agent_sessions.domain.characters import UNSAFE_IN_NAMES, drop_ignorables
from agent_sessions.domain.identity import (
    MAX_IDENTITY_KEY_BYTES,
    Identity,
    agent_id,
    clean_agent_name,
    clean_context,
    display_name,
    fold,
    parse_id,
    part,
)
from agent_sessions.errors import FieldError, ValidationError
from tests.support.length import examples

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "data" / "identity_vectors.json").read_text())
VECTOR_IDS = [vector["identity_key"][:30].encode("ascii", "replace").decode() for vector in VECTORS]

CASES = 1_000, 20_000

ROBOT = "\U0001f916"
LIGATURE = "\ufdfa"  # NFKC makes 18 characters of it, in 33 bytes
IOTA_SUBSCRIPT = "\u0345"
DOTLESS_I = "\u0131"
VISIBLE = "a visible character: a letter, number, punctuation mark or symbol"

ASSIGNED = [
    character
    for character in map(chr, range(0x110000))
    if unicodedata.category(character) not in UNSAFE_IN_NAMES or unicodedata.category(character) == "Cf"
]
CASE_FORMS: list[Callable[[str], str]] = [str.lower, str.upper, str.title, str.casefold, str.swapcase]

# Mostly what keys are made of, so that collisions would be found.
KEY_LIKE = st.text(":%3A25aA ", max_size=6)
# Where case, order of marks and width interact.
GREEK = st.text(
    st.sampled_from(
        [*map(chr, [*range(0x386, 0x3CF), *range(0x1F80, 0x1FBD)]), IOTA_SUBSCRIPT, "\u0301", "\u0308", "\u0342"]
    ).filter(lambda character: unicodedata.category(character) != "Cn"),
    max_size=6,
)
TRICKY = st.text(
    st.sampled_from(
        "iI\u0130\u0307\u0328\u012f\u1e9e\u00df\ufb00\u0149\u01f0\u0390\u03b0\u0587\u1e96\u13a0\uab70\u10d0\u1c90"
        "\u200d\u200c\u034f\ufe0f\u3164\u00a8\u037a\uff9e\u3099\u1100\u1161\u11a8\uac00\u0f73\u0344\u212b \u3000:%"
    ),
    max_size=8,
)
ANY = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"]), max_size=30)
TEXTS = st.one_of(KEY_LIKE, GREEK, TRICKY, ANY)


def is_name(text: str) -> bool:
    try:
        return bool(clean_agent_name(text))
    except ValidationError:
        return False


NAMES = TEXTS.filter(is_name)
CONTEXTS = st.one_of(st.none(), st.just(" "), NAMES)


def refusal(name: str, context: str | None = None) -> FieldError:
    with pytest.raises(ValidationError) as caught:
        Identity.of(name, context)
    (error,) = caught.value.errors
    assert str(caught.value) == error.message
    return error


def has_documented_exception(text: str) -> bool:
    """Whether case forms of a text may differ: see docs/identity.md."""
    shown = drop_ignorables(text)
    return DOTLESS_I in shown or any(
        IOTA_SUBSCRIPT in unicodedata.normalize("NFD", character) and unicodedata.category(following)[0] == "M"
        for character, following in pairwise(shown)
    )


@pytest.mark.parametrize("vector", VECTORS, ids=VECTOR_IDS)
def test_key_equals_the_vector(vector: dict[str, Any]) -> None:
    assert Identity.of(vector["agent_name"], vector["context"]).key == vector["identity_key"]


# -- cleaning


@pytest.mark.parametrize("space", [" ", "\t", "\r\n", "\u00a0", "\u3000", "\u2028"], ids=ascii)
def test_input_is_trimmed(space: str) -> None:
    trimmed = Identity.of(f"{space}Claude{space}", f"{space}Project A{space}")

    assert trimmed == Identity.of("Claude", "Project A")
    assert (trimmed.agent_name, trimmed.context) == ("Claude", "Project A")


@pytest.mark.parametrize("spaces", ["  ", "\u00a0", "\u3000 ", "\u2028\u2029"], ids=ascii)
def test_runs_of_white_space_make_the_same_agent(spaces: str) -> None:
    assert Identity.of(f"Claude{spaces}Code", f"Project{spaces}A") == Identity.of("Claude Code", "Project A")


def test_identity_is_immutable() -> None:
    identity = Identity.of("Claude")

    with pytest.raises(FrozenInstanceError):
        identity.key = "claude:other"  # type: ignore[misc]


def test_name_keeps_its_case_and_width() -> None:
    assert Identity.of(" \uff23LAUDE 100% ", " A:B ") == Identity("\uff23LAUDE 100%", "A:B", "claude 100%25:a%3Ab")


def test_joiners_stay_in_the_name_and_not_in_the_key() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

    assert Identity.of(family) == Identity(family, None, "\U0001f468\U0001f469\U0001f467:default")


@pytest.mark.parametrize("name", ["", " ", "\t\r\n", "\u3000"], ids=ascii)
def test_blank_name_is_refused(name: str) -> None:
    assert refusal(name) == FieldError("agent_name", "Agent name is required")


@pytest.mark.parametrize("context", [None, "", " ", "\t\r\n", "\u3000"], ids=ascii)
def test_blank_context_is_none(context: str | None) -> None:
    assert Identity.of("Claude", context) == Identity("Claude", None, "claude:default")


@pytest.mark.parametrize("text", ["\u3164", "\u2800", "\u0301", "\u200d", "\ufe0f", " \u034f\u2800 \u115f "], ids=ascii)
def test_text_without_a_visible_character_is_refused(text: str) -> None:
    assert refusal(text) == FieldError("agent_name", f"Agent name must have {VISIBLE}")
    assert refusal("Claude", text) == FieldError("context", f"Context must have {VISIBLE}")


@pytest.mark.parametrize("text", ["x\u200b", "\ufeffx", "x\u00ad", "\u0378x", "\ue000x", "x\ufffe", "x\x00", "\ufffdx"])
def test_refused_character_is_named_with_its_field(text: str) -> None:
    (bad,) = set(text) - {"x"}

    for field, label, error in (
        ("agent_name", "Agent name", refusal(text)),
        ("context", "Context", refusal("Claude", text)),
    ):
        assert error.field == field
        assert error.message.startswith(f"{label} must not contain ")
        assert f"; remove U+{ord(bad):04X} (character {text.index(bad) + 1} of the text as sent)" in error.message


@pytest.mark.parametrize("character", ["x", ":", "\u00e9", "\u6587", ROBOT], ids=ascii)
@pytest.mark.parametrize("length", [1, 2, 99, 100])
def test_name_of_1_to_100_characters_is_kept(character: str, length: int) -> None:
    assert Identity.of(character * length).agent_name == character * length


@pytest.mark.parametrize("character", ["x", ":", "\u00e9", "\u6587", ROBOT], ids=ascii)
@pytest.mark.parametrize("length", [101, 10_000])
def test_name_over_100_characters_is_refused(character: str, length: int) -> None:
    assert refusal(character * length) == FieldError("agent_name", "Agent name must be 100 characters or less")


@pytest.mark.parametrize("character", ["x", ":", "\u00e9", "\u6587", ROBOT], ids=ascii)
@pytest.mark.parametrize("length", [1, 2, 199, 200])
def test_context_of_1_to_200_characters_is_kept(character: str, length: int) -> None:
    assert Identity.of("Claude", character * length).context == character * length


@pytest.mark.parametrize("character", ["x", ":", "\u00e9", "\u6587", ROBOT], ids=ascii)
@pytest.mark.parametrize("length", [201, 10_000])
def test_context_over_200_characters_is_refused(character: str, length: int) -> None:
    assert refusal("Claude", character * length) == FieldError("context", "Context must be 200 characters or less")


def test_white_space_around_the_longest_input_is_not_counted() -> None:
    identity = Identity.of(f" {'n' * 100}\n", f"\t{'c' * 200} ")

    assert (identity.agent_name, identity.context) == ("n" * 100, "c" * 200)


# -- folding


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\u2764", "\u2764\ufe0f"),
        ("\u03a4\u03b1\u0390\u03b6\u03c9", "\u03a4\u03b1\u0390\u03b6\u03c9".upper()),
        ("\u01f0", "\u01f0".upper()),
        ("Claude  Code", "Claude Code"),
        ("STRASSE", "stra\u00dfe"),
        ("\uff23\uff4c\uff41\uff55\uff44\uff45", "claude"),
        ("\u2167", "viii"),
        ("e\u0301", "\u00e9"),
        ("x\u3164", "X"),
    ],
    ids=ascii,
)
def test_texts_that_look_alike_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a", "b"), ("e", "\u00e9"), ("a", "\u0430"), ("a b", "ab"), ("i", DOTLESS_I), ("a\u0338", "a")],
    ids=ascii,
)
def test_other_texts_fold_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_folding_every_character_is_idempotent() -> None:
    assert [ascii(character) for character in ASSIGNED if fold(fold(character)) != fold(character)] == []


def test_every_character_and_its_case_forms_fold_alike_but_dotless_i() -> None:
    unequal = {
        character
        for character in ASSIGNED
        for form in {to_form(character) for to_form in CASE_FORMS}
        if form != character and fold(form) != fold(character)
    }

    assert unequal == {DOTLESS_I}


def test_every_visible_character_makes_a_key() -> None:
    names = list(filter(is_name, ASSIGNED))

    assert len(names) > 145_000
    assert [ascii(name) for name in names if not part(name)] == []


def test_folding_never_changes() -> None:
    # Of Unicode 3.2, whose characters Python can tell in every version: agents are stored under what they fold to.
    old = [
        character for character in ASSIGNED if unicodedata.ucd_3_2_0.category(character) not in ("Cn", "Co", "Cs", "Cc")
    ]
    folded = "\n".join(f"{ord(character):X} {fold(character)}" for character in old)

    assert len(old) == 95_156
    assert (
        hashlib.sha256(folded.encode()).hexdigest()
        == "94146414378ff16977350d683c0d822ced65bdf313fa4d0e5d995bdf788101d0"
    )


def test_unicode_is_of_version_15_1() -> None:
    # A newer one assigns more characters, which names may then have: see docs/decisions.md.
    assert unicodedata.unidata_version == "15.1.0"


@examples(*CASES)
@given(TEXTS)
def test_folding_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@examples(*CASES)
@given(TEXTS)
@example("\u03b1\u0345")
@example("\u0391\u03a3 \u0391\u03a3")
def test_case_forms_fold_alike(text: str) -> None:
    assume(not has_documented_exception(text))

    assert {fold(to_form(text)) for to_form in CASE_FORMS} == {fold(text)}


@pytest.mark.parametrize("text", [DOTLESS_I, "\u1fb3\u0304", "\u0345\u0300"], ids=ascii)
def test_documented_exceptions_fold_apart(text: str) -> None:
    assert has_documented_exception(text)
    assert fold(text.upper()) != fold(text)


@examples(*CASES)
@given(TEXTS)
def test_normal_forms_fold_alike(text: str) -> None:
    assert {fold(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")} == {fold(text)}


# -- keys


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
        ("\u2a74", None, "%3A%3A=:default"),
        ("\u00a8", None, "\u0308:default"),
        ("\u1f90\u0337", None, "\u1f20\u0337\u03b9:default"),
    ],
    ids=ascii,
)
def test_key_is_folded_and_then_escaped(name: str, context: str | None, key: str) -> None:
    assert Identity.of(name, context).key == key


def test_colon_moved_between_name_and_context_makes_another_agent() -> None:
    assert Identity.of("a:b", "c").key != Identity.of("a", "b:c").key


def test_escape_spelled_out_makes_another_agent() -> None:
    assert len({Identity.of(name, "c").key for name in ("a:b", "a%3Ab", "a%253Ab")}) == 3


def test_context_default_is_the_same_agent_as_none() -> None:
    explicit, absent = Identity.of("Claude", "default"), Identity.of("Claude")

    assert explicit.key == absent.key
    assert (explicit.context, absent.context) == ("default", None)


@given(NAMES, CONTEXTS, NAMES, CONTEXTS)
@example("a:b", "c", "a", "b:c")
@example("a%3Ab", "c", "a:b", "c")
@example("a", "default", "a", None)
def test_two_pairs_share_a_key_only_if_both_parts_fold_alike(
    name: str, context: str | None, other_name: str, other_context: str | None
) -> None:
    def folded(name: str, context: str | None) -> tuple[str, str]:
        return fold(name), fold((context or "").strip() or "default")

    alike = folded(name, context) == folded(other_name, other_context)

    assert (Identity.of(name, context).key == Identity.of(other_name, other_context).key) is alike


@given(NAMES, CONTEXTS)
def test_folded_name_and_context_can_be_read_back_from_the_key(name: str, context: str | None) -> None:
    first, second = Identity.of(name, context).key.split(":")

    assert unquote(first) == fold(name)
    assert unquote(second) == fold((context or "").strip() or "default")


@given(NAMES, CONTEXTS)
def test_cleaned_name_and_context_make_the_same_identity(name: str, context: str | None) -> None:
    identity = Identity.of(name, context)

    assert Identity.of(identity.agent_name, identity.context) == identity
    assert Identity.of(f"  {name}\n", context and f"\t{context} ") == identity


@pytest.mark.parametrize(("filler", "fits"), [(27, True), (28, False)])
def test_key_has_up_to_2048_bytes(filler: int, fits: bool) -> None:
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
def test_key_over_2048_bytes_names_the_longer_field(name: str, context: str | None, field: str, label: str) -> None:
    assert refusal(name, context) == FieldError(
        field,
        f"{label} is too long once normalised: name and context together must be 2048 bytes or less; shorten it",
    )


@pytest.mark.parametrize(
    ("context", "shown"), [(None, "Claude"), ("Project A", "Claude - Project A"), ("default", "Claude - default")]
)
def test_display_name_adds_the_context(context: str | None, shown: str) -> None:
    assert display_name("Claude", context) == shown


# -- ids


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
def test_owner_never_runs_into_the_key(owner: str, key: str, other_owner: str, other_key: str) -> None:
    assert (agent_id(owner, key) == agent_id(other_owner, other_key)) is ((owner, key) == (other_owner, other_key))


def test_agent_id_is_a_uuid_of_version_5() -> None:
    made = agent_id("public", "claude:default")

    assert parse_id(made) == made
    assert (uuid.UUID(made).version, uuid.UUID(made).variant) == (5, uuid.RFC_4122)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("4635ae41-c03a-534d-87c4-05465526a836", "4635ae41-c03a-534d-87c4-05465526a836"),
        ("4635AE41-C03A-534D-87C4-05465526A836", "4635ae41-c03a-534d-87c4-05465526a836"),
        ("4635Ae41-c03a-534D-87c4-05465526a836", "4635ae41-c03a-534d-87c4-05465526a836"),
        ("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"),
        ("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ],
)
def test_id_in_either_case_is_read_in_lower_case(text: str, canonical: str) -> None:
    assert parse_id(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "health",
        "4635ae41c03a534d87c405465526a836",
        "{4635ae41-c03a-534d-87c4-05465526a836}",
        "urn:uuid:4635ae41-c03a-534d-87c4-05465526a836",
        "4635ae41-c03a-534d-87c4-05465526a83",
        "4635ae41-c03a-534d-87c4-05465526a8366",
        "4635ae41-c03a-534d-87c4-05465526a83g",
        "4635ae41-c03a-534d-87c4-05465526a836\n",
        " 4635ae41-c03a-534d-87c4-05465526a836",
        "4635ae41-c03a-534d-87c4-05465526a83\u0666",
        "4635ae41-c03a-534d-87c4-05465526a83\uff21",
    ],
    ids=ascii,
)
def test_malformed_id_is_none(text: str) -> None:
    assert parse_id(text) is None


@pytest.mark.parametrize("clean", [clean_agent_name, clean_context])
def test_cleaning_returns_the_cleaned_text(clean: Callable[[str], str | None]) -> None:
    assert clean("\tClaude \u3000 Code\n") == "Claude Code"
