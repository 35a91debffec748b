import itertools
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.errors import FieldError, ValidationError
from agent_sessions.http import request_models
from agent_sessions.http.request_models import (
    BlockInput,
    Input,
    ListAgentSessionsInput,
    ListAgentsInput,
    ListSessionsInput,
    ProgressInput,
    SignInInput,
    StopInput,
)
from agent_sessions.mcp import arguments

HANDLE = "ea866a75-7e4c-38ba-bfa8-127cbe9a409d"
TOKEN = "ags_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh82zg5Kj"
KNOWN = "agent_name, context, exclusive, metadata, idle_seconds, lifetime_seconds"
UNPLAIN = f"There is an unknown field: remove it, or use one of {KNOWN}"
BAD_LIMIT = FieldError("limit", "limit must be a whole number from 1 to 100")
BAD_NEXT = FieldError("next", "next must be the previous page's `next`; omit it to start over")

TEXT = st.text(st.characters(), max_size=10)  # lone surrogates too
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXT, inner, max_size=2)),
    max_leaves=3,
)
NAMES = st.one_of(
    st.sampled_from(
        [
            "agent_name",
            "context",
            "exclusive",
            "metadata",
            "idle_seconds",
            "state",
            "activity",
            "blocked",
            "stop_requested",
            "limit",
            "next",
            "contxt",
        ]
    ),
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

    texts = [text for finding in findings for text in (finding.field, finding.message)]
    assert all(text and text.isascii() and text.isprintable() for text in texts)
    assert all(len(finding.field) <= 40 for finding in findings)


INPUTS = [
    kind
    for kind in (vars(request_models) | vars(arguments)).values()
    if isinstance(kind, type) and issubclass(kind, Input) and kind.model_fields
]
ODD_VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, float("nan"), 10**4000, "", "x" * 300, "\x00", "\ud800", "/", "1"),
    *([], [1], {}, {"a": 1}, {"a": {"b": 1}}, {"\ud800": "x"}),
]


@pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.__name__)
def test_odd_value_of_any_field_is_read_or_named(kind: type[Input]) -> None:
    required = {name: "Claude" for name, field in kind.model_fields.items() if field.is_required()}
    for name, value in itertools.product([*kind.model_fields, "\ud800", ""], ODD_VALUES):
        check_plain_words(kind, required | {name: value})


def test_sign_in_requires_only_a_name() -> None:
    assert SignInInput.read({"agent_name": "Claude"}) == SignInInput(agent_name="Claude", context=None, exclusive=False)


def test_sign_in_reads_all_fields() -> None:
    parsed = SignInInput.read({"agent_name": "Claude", "context": "Project A", "exclusive": True})

    assert (parsed.agent_name, parsed.context, parsed.exclusive) == ("Claude", "Project A", True)


@pytest.mark.parametrize("kind", [SignInInput, ListAgentsInput])
def test_name_and_context_are_trimmed(kind: type[SignInInput] | type[ListAgentsInput]) -> None:
    parsed = kind.read({"agent_name": "  Claude\n", "context": "\tProject A "})

    assert (parsed.agent_name, parsed.context) == ("Claude", "Project A")


@pytest.mark.parametrize("context", [None, "", "  "])
@pytest.mark.parametrize("kind", [SignInInput, ListAgentsInput])
def test_null_or_blank_context_is_none(kind: type[SignInInput] | type[ListAgentsInput], context: str | None) -> None:
    assert kind.read({"agent_name": "Claude", "context": context}).context is None


@pytest.mark.parametrize("kind", [SignInInput, ListAgentsInput])
@pytest.mark.parametrize("values", [{"agent_name": ""}, {"agent_name": " \n", "context": "Project A"}])
def test_missing_or_blank_name_is_an_error(kind: type[Input], values: dict[str, Any]) -> None:
    assert refusals(kind, values) == [FieldError("agent_name", "Agent name is required")]


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["Claude"], {"name": "Claude"}], ids=repr)
def test_name_that_is_not_a_string_is_an_error(value: Any) -> None:
    assert refusal({"agent_name": value}) == FieldError("agent_name", "agent_name must be a string")


@pytest.mark.parametrize("value", [0, 1.5, False, [], {}, 10**4000], ids=lambda value: type(value).__name__)
def test_context_that_is_not_a_string_is_an_error(value: Any) -> None:
    assert refusal({"context": value}) == FieldError("context", "context must be a string")


@pytest.mark.parametrize("value", [None, 0, 1, 1.0, "true", "", [], {}], ids=repr)
def test_exclusive_that_is_not_a_boolean_is_an_error(value: Any) -> None:
    assert refusal({"exclusive": value}) == FieldError("exclusive", "exclusive must be true or false")


@pytest.mark.parametrize("kind", [SignInInput, ListAgentsInput])
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
def test_identity_error_names_its_field(kind: type[Input], values: dict[str, Any], error: FieldError) -> None:
    assert refusals(kind, {"agent_name": "Claude"} | values) == [error]


@pytest.mark.parametrize("name", ["contxt", "Agent_Name", "agentName", "_", "x-y", "n" * 40])
def test_unknown_field_is_an_error_that_names_it(name: str) -> None:
    assert refusal({name: "Project A"}) == FieldError(name, f"Unknown field {name}: remove it, or use one of {KNOWN}")


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
def test_unknown_field_with_odd_name_is_not_echoed(name: str) -> None:
    assert refusal({name: "Project A"}) == FieldError("body", UNPLAIN)


def test_odd_query_parameter_is_an_error_of_query() -> None:
    assert [error.field for error in refusals(ListAgentsInput, {"agent_name": "Claude", "two words": "1"})] == ["query"]


def test_null_next_is_none() -> None:
    assert ListAgentSessionsInput.read({"next": None}).next is None


def test_known_fields_differ_by_route() -> None:
    assert refusals(ListAgentsInput, {"agent_name": "Claude", "exclusive": "true"}) == [
        FieldError(
            "exclusive", "Unknown parameter exclusive: remove it, or use one of agent_name, context, limit, next"
        )
    ]
    assert refusals(ListAgentSessionsInput, {"cursor": HANDLE}) == [
        FieldError("cursor", "Unknown parameter cursor: remove it, or use one of limit, next")
    ]


def test_all_bad_fields_are_listed() -> None:
    assert refusals(SignInInput, {"context": "c" * 201, "exclusive": "yes", "contxt": "A", TOKEN: 1}) == [
        FieldError("agent_name", "Agent name is required"),
        FieldError("context", "Context must be 200 characters or less"),
        FieldError("exclusive", "exclusive must be true or false"),
        FieldError("contxt", f"Unknown field contxt: remove it, or use one of {KNOWN}"),
        FieldError("body", UNPLAIN),
    ]


def test_message_joins_all_field_errors() -> None:
    with pytest.raises(ValidationError, match=r"\AAgent name is required; exclusive must be true or false\Z"):
        SignInInput.read({"exclusive": None})


def test_list_defaults_to_the_first_100_sessions() -> None:
    parsed = ListAgentSessionsInput.read({})

    assert (parsed.limit, parsed.next) == (100, None)


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("2", 2), ("99", 99), ("100", 100), ("007", 7)])
def test_limit_of_1_to_100_is_read(text: str, limit: int) -> None:
    assert ListAgentSessionsInput.read({"limit": text}).limit == limit


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
def test_other_limits_are_errors(text: str) -> None:
    assert refusals(ListAgentSessionsInput, {"limit": text}) == [BAD_LIMIT]


@pytest.mark.parametrize("text", [HANDLE, HANDLE.upper()])
def test_next_accepts_either_case(text: str) -> None:
    assert ListAgentSessionsInput.read({"next": text}).next == HANDLE


@pytest.mark.parametrize("text", ["", "x", HANDLE + "\n", HANDLE[1:], TOKEN, "2,1"], ids=ascii)
def test_malformed_next_is_an_error(text: str) -> None:
    assert refusals(ListAgentSessionsInput, {"next": text}) == [BAD_NEXT]


def test_bad_limit_and_next_are_listed_together() -> None:
    assert refusals(ListAgentSessionsInput, {"limit": "0", "next": "x"}) == [BAD_LIMIT, BAD_NEXT]


@pytest.mark.parametrize("kind", [SignInInput, ProgressInput, BlockInput, StopInput])
@given(values=st.dictionaries(NAMES, VALUES, max_size=5))
def test_any_body_is_read_or_rejected_in_printable_ascii(kind: type[Input], values: dict[str, Any]) -> None:
    check_plain_words(kind, values)


@pytest.mark.parametrize("kind", [ListAgentsInput, ListAgentSessionsInput, ListSessionsInput])
@given(values=st.dictionaries(NAMES, TEXT, max_size=5))
def test_any_query_is_read_or_rejected_in_printable_ascii(kind: type[Input], values: dict[str, str]) -> None:
    check_plain_words(kind, values)


@pytest.mark.parametrize("name", ["agent_name", "context"])
def test_documented_names_have_no_pattern(name: str) -> None:
    # The generators of clients choke on Unicode in patterns: the words of the description have to do.
    assert "pattern" not in json.dumps(SignInInput.model_json_schema()["properties"][name])


@pytest.mark.parametrize("field", ["idle_seconds", "lifetime_seconds"])
def test_whole_number_may_be_written_with_a_point(field: str) -> None:
    read = getattr(SignInInput.read({"agent_name": "Claude", field: json.loads("90.0")}), field)

    assert (read, type(read)) == (90, int)


def test_limit_of_a_tool_may_be_written_with_a_point() -> None:
    assert arguments.ListSessionsArguments.read({"limit": json.loads("2.0")}).limit == 2


@pytest.mark.parametrize("value", [90.5, math.inf, "90", True, [], {}], ids=repr)
@pytest.mark.parametrize("field", ["idle_seconds", "lifetime_seconds"])
def test_seconds_that_are_not_a_whole_number_are_named(field: str, value: Any) -> None:
    assert refusal({field: value}) == FieldError(field, f"{field} must be a whole number")


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({f"k{number}": "v" for number in range(17)}, "metadata"),
        ({"Model": "x"}, "metadata.Model"),
        ({"": "x"}, "metadata"),
        ({"k" * 41: "x"}, "metadata"),
        ({"\ud800": "x"}, "metadata"),
        ({f"k{number}": "v" * 60 for number in range(9)}, "metadata"),
        ({"model": 1}, "metadata.model"),
        ({"model": None}, "metadata.model"),
        ({"model": {"name": "x"}}, "metadata.model"),
        ({"model": "x" * 129}, "metadata.model"),
        ({"model": "a\nb"}, "metadata.model"),
        ({"model": "a\ufffdb"}, "metadata.model"),
        ({"model": "\ud800"}, "metadata.model"),
        ("model=x", "metadata"),
        ([["model", "x"]], "metadata"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_bad_metadata_is_named_by_its_key(metadata: Any, field: str) -> None:
    assert refusal({"metadata": metadata}).field == field


def test_metadata_of_the_largest_size_is_read() -> None:
    metadata = {f"k{number:02}": "\N{SNOWMAN}" * 9 + "v" * 2 for number in range(16)}
    assert sum(len(key) + len(value.encode()) for key, value in metadata.items()) == 512
    assert SignInInput.read({"agent_name": "Claude", "metadata": metadata}).metadata == metadata


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ({"state": "working"}, {"state": "working"}),
        ({"state": None}, {"state": None}),
        ({"activity": "  reading  the\N{NO-BREAK SPACE}docs "}, {"activity": "reading the docs"}),
        ({"activity": ""}, {"activity": None}),
        ({"state": "idle", "activity": "x" * 120}, {"state": "idle", "activity": "x" * 120}),
    ],
)
def test_progress_has_what_was_sent(values: dict[str, Any], read: dict[str, Any]) -> None:
    assert ProgressInput.read(values).model_dump(exclude_unset=True) == read


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({}, FieldError("body", "The body reports nothing; send state, activity or both")),
        ({"state": "sleeping"}, FieldError("state", "state must be working, waiting or idle")),
        ({"state": 1}, FieldError("state", "state must be working, waiting or idle")),
        ({"state": "\ud800"}, FieldError("state", "state must be working, waiting or idle")),
        ({"activity": "x" * 121}, FieldError("activity", "Activity must be 120 characters or less")),
        ({"activity": 1}, FieldError("activity", "activity must be a string")),
    ],
)
def test_bad_progress_is_named(values: dict[str, Any], error: FieldError) -> None:
    assert refusals(ProgressInput, values) == [error]


@pytest.mark.parametrize("reason", ["x", "x" * 200, None])
def test_stop_request_has_a_reason_or_null(reason: str | None) -> None:
    assert StopInput.read({"stop_requested": reason}).stop_requested == reason


@pytest.mark.parametrize(
    "values", [{}, {"stop_requested": ""}, {"stop_requested": "x" * 201}, {"stop_requested": True}]
)
def test_bad_stop_request_is_named(values: dict[str, Any]) -> None:
    assert [error.field for error in refusals(StopInput, values)] == ["stop_requested"]


@pytest.mark.parametrize("values", [{}, {"blocked": None}, {"blocked": "true"}, {"blocked": 1}])
def test_blocked_is_true_or_false(values: dict[str, Any]) -> None:
    assert [error.field for error in refusals(BlockInput, values)] == ["blocked"]


def test_context_without_a_name_is_refused() -> None:
    assert refusals(ListAgentsInput, {"context": "Project A"}) == [
        FieldError("context", "context needs agent_name: send it too, or remove context")
    ]


def test_position_of_the_roster_is_two_ids_in_either_case() -> None:
    request = ListSessionsInput.read({"next": f"{HANDLE.upper()}/{HANDLE}"})

    assert request.position == (HANDLE, HANDLE)
    assert ListSessionsInput.read({}).position is None


@pytest.mark.parametrize("text", ["", "x", HANDLE, f"{HANDLE}/", f"{HANDLE}/{HANDLE}/{HANDLE}", f"{HANDLE}/x"])
def test_malformed_position_of_the_roster_is_refused(text: str) -> None:
    assert refusals(ListSessionsInput, {"next": text}) == [BAD_NEXT]
