import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_sessions.errors import FieldError, ValidationError
from agent_sessions.http.request_models import FindAgentInput, Input, ListSessionsInput, SignInInput

HANDLE = "ea866a75-7e4c-38ba-bfa8-127cbe9a409d"
TOKEN = "ags_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh82zg5Kj"
UNPLAIN = "There is an unknown field: remove it, or use one of agent_name, context, exclusive"
BAD_LIMIT = FieldError("limit", "limit must be a whole number from 1 to 100")
BAD_NEXT = FieldError("next", "next must be the previous page's `next`; omit it to start over")

TEXT = st.text(st.characters(), max_size=10)  # lone surrogates too
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXT, inner, max_size=2)),
    max_leaves=3,
)
NAMES = st.one_of(
    st.sampled_from(["agent_name", "context", "exclusive", "limit", "next", "contxt"]),
    st.text(st.characters(), max_size=50),  # lone surrogates too
)


def refusals(kind: type[Input], values: dict[str, Any]) -> list[FieldError]:
    with pytest.raises(ValidationError) as caught:
        kind.read(values)
    return list(caught.value.errors)


def refusal(values: dict[str, Any]) -> FieldError:
    (error,) = refusals(SignInInput, {"agent_name": "Claude"} | values)
    return error


def check_plain_words(kind: type[Input], values: dict[str, Any]) -> None:
    findings: tuple[FieldError, ...] = ()
    try:
        assert kind.read(values).model_fields_set == set(values)
    except ValidationError as error:
        findings = error.errors

    told = [text for finding in findings for text in (finding.field, finding.message)]
    assert all(text and text.isascii() and text.isprintable() for text in told)
    assert all(len(finding.field) <= 40 for finding in findings)


def test_a_name_is_enough_to_sign_in() -> None:
    assert SignInInput.read({"agent_name": "Claude"}) == SignInInput(agent_name="Claude", context=None, exclusive=False)


def test_all_fields_are_read() -> None:
    asked = SignInInput.read({"agent_name": "Claude", "context": "Project A", "exclusive": True})

    assert (asked.agent_name, asked.context, asked.exclusive) == ("Claude", "Project A", True)


@pytest.mark.parametrize("kind", [SignInInput, FindAgentInput])
def test_name_and_context_are_trimmed(kind: type[SignInInput] | type[FindAgentInput]) -> None:
    asked = kind.read({"agent_name": "  Claude\n", "context": "\tProject A "})

    assert (asked.agent_name, asked.context) == ("Claude", "Project A")


@pytest.mark.parametrize("context", [None, "", "  "])
@pytest.mark.parametrize("kind", [SignInInput, FindAgentInput])
def test_a_null_or_blank_context_is_no_context(
    kind: type[SignInInput] | type[FindAgentInput], context: str | None
) -> None:
    assert kind.read({"agent_name": "Claude", "context": context}).context is None


@pytest.mark.parametrize("kind", [SignInInput, FindAgentInput])
@pytest.mark.parametrize("values", [{}, {"context": "Project A"}, {"agent_name": ""}, {"agent_name": " \n"}])
def test_a_missing_or_blank_name_is_named(kind: type[Input], values: dict[str, Any]) -> None:
    assert refusals(kind, values) == [FieldError("agent_name", "Agent name is required")]


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["Claude"], {"name": "Claude"}], ids=repr)
def test_a_name_that_is_no_string_is_named(value: Any) -> None:
    assert refusal({"agent_name": value}) == FieldError("agent_name", "agent_name must be a string")


@pytest.mark.parametrize("value", [0, 1.5, False, [], {}, 10**4000], ids=lambda value: type(value).__name__)
def test_a_context_that_is_no_string_is_named(value: Any) -> None:
    assert refusal({"context": value}) == FieldError("context", "context must be a string")


@pytest.mark.parametrize("value", [None, 0, 1, 1.0, "true", "", [], {}], ids=repr)
def test_an_exclusive_that_is_not_true_or_false_is_named(value: Any) -> None:
    assert refusal({"exclusive": value}) == FieldError("exclusive", "exclusive must be true or false")


@pytest.mark.parametrize("kind", [SignInInput, FindAgentInput])
@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"agent_name": "n" * 101}, FieldError("agent_name", "Agent name must be 100 characters or less")),
        ({"context": "c" * 201}, FieldError("context", "Context must be 200 characters or less")),
        (
            {"agent_name": "a\x00b"},
            FieldError(
                "agent_name",
                "Agent name must not contain control characters; remove U+0000 (character 2 of the text as sent)",
            ),
        ),
        (
            {"context": "\ud800"},
            FieldError(
                "context",
                "Context must not contain lone surrogates; remove U+D800 (character 1 of the text as sent)",
            ),
        ),
    ],
    ids=["long name", "long context", "control character", "lone surrogate"],
)
def test_rules_of_identity_are_told_with_their_field(
    kind: type[Input], values: dict[str, Any], error: FieldError
) -> None:
    assert refusals(kind, {"agent_name": "Claude"} | values) == [error]


@pytest.mark.parametrize("name", ["contxt", "Agent_Name", "agentName", "_", "x-y", "n" * 40])
def test_an_unknown_field_is_named(name: str) -> None:
    assert refusal({name: "Project A"}) == FieldError(
        name, f"Unknown field {name}: remove it, or use one of agent_name, context, exclusive"
    )


@pytest.mark.parametrize(
    "name",
    [
        TOKEN,
        "n" * 41,
        "\x1b[31mred",
        "context\n",
        "two words",
        "<script>",
        "1st",
        "-x",
        "a.b",
        "\u0441ontext",  # a Cyrillic letter that looks like c
        "",
        "\ud800",
    ],
    ids=ascii,
)
def test_an_unknown_field_whose_name_is_not_plain_is_not_told_back(name: str) -> None:
    assert refusal({name: "Project A"}) == FieldError("body", UNPLAIN)


def test_in_a_query_the_whole_is_called_query() -> None:
    assert [error.field for error in refusals(FindAgentInput, {"agent_name": "Claude", "two words": "1"})] == ["query"]


def test_a_cursor_of_null_is_none() -> None:
    assert ListSessionsInput.read({"next": None}).next is None


def test_what_is_known_differs_by_route() -> None:
    assert refusals(FindAgentInput, {"agent_name": "Claude", "exclusive": "true"}) == [
        FieldError("exclusive", "Unknown field exclusive: remove it, or use one of agent_name, context")
    ]
    assert refusals(ListSessionsInput, {"cursor": HANDLE}) == [
        FieldError("cursor", "Unknown field cursor: remove it, or use one of limit, next")
    ]


def test_all_bad_fields_are_told_at_once() -> None:
    assert refusals(SignInInput, {"context": "c" * 201, "exclusive": "yes", "contxt": "A", TOKEN: 1}) == [
        FieldError("agent_name", "Agent name is required"),
        FieldError("context", "Context must be 200 characters or less"),
        FieldError("exclusive", "exclusive must be true or false"),
        FieldError("contxt", "Unknown field contxt: remove it, or use one of agent_name, context, exclusive"),
        FieldError("body", UNPLAIN),
    ]


def test_the_whole_message_joins_all_findings() -> None:
    with pytest.raises(ValidationError, match=r"\AAgent name is required; exclusive must be true or false\Z"):
        SignInInput.read({"exclusive": None})


def test_no_parameters_ask_for_the_first_100_sessions() -> None:
    asked = ListSessionsInput.read({})

    assert (asked.limit, asked.next) == (100, None)


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("2", 2), ("99", 99), ("100", 100), ("007", 7)])
def test_a_limit_is_1_to_100(text: str, limit: int) -> None:
    assert ListSessionsInput.read({"limit": text}).limit == limit


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "101",
        "-1",
        "+1",
        "",
        " ",
        "1 ",
        "1\n",
        "1.0",
        "1e1",
        "0x1",
        "1_0",
        "ten",
        "\u0661",
        "9" * 5000,
    ],
    ids=lambda text: ascii(text)[:12],
)
def test_any_other_limit_is_refused(text: str) -> None:
    assert refusals(ListSessionsInput, {"limit": text}) == [BAD_LIMIT]


@pytest.mark.parametrize("text", [HANDLE, HANDLE.upper()])
def test_next_is_a_handle_in_either_case(text: str) -> None:
    assert ListSessionsInput.read({"next": text}).next == HANDLE


@pytest.mark.parametrize("text", ["", "x", HANDLE + "\n", HANDLE[1:], TOKEN, "2,1"], ids=ascii)
def test_any_other_next_is_refused(text: str) -> None:
    assert refusals(ListSessionsInput, {"next": text}) == [BAD_NEXT]


def test_limit_and_next_are_told_together() -> None:
    assert refusals(ListSessionsInput, {"limit": "0", "next": "x"}) == [BAD_LIMIT, BAD_NEXT]


@given(st.dictionaries(NAMES, VALUES, max_size=5))
@settings(deadline=None)
def test_any_body_is_read_or_refused_in_plain_words(values: dict[str, Any]) -> None:
    check_plain_words(SignInInput, values)


@pytest.mark.parametrize("kind", [FindAgentInput, ListSessionsInput])
@given(values=st.dictionaries(NAMES, TEXT, max_size=5))
@settings(deadline=None)
def test_any_query_is_read_or_refused_in_plain_words(kind: type[Input], values: dict[str, str]) -> None:
    check_plain_words(kind, values)


@pytest.mark.parametrize("name", ["agent_name", "context"])
def test_documented_names_have_no_pattern(name: str) -> None:
    # The generators of clients choke on Unicode in patterns: the words of the description have to do.
    assert "pattern" not in json.dumps(SignInInput.model_json_schema()["properties"][name])
