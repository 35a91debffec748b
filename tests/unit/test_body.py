import base64
import json
from functools import partial
from typing import Any, Never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.errors import PayloadTooLargeError, ValidationError
from agent_sessions.http import json_body
from agent_sessions.http.request_models import SignInInput

read_json_object = partial(json_body.read_json_object, example=SignInInput.example)

EMPTY = 'The body is empty; send a JSON object such as {"agent_name": "Claude"}'
NOT_AN_OBJECT = 'The body must be a JSON object such as {"agent_name": "Claude"}'
NOT_BASE64 = "The body is marked as base64 but is not base64; send it as text"
NOT_UTF8 = "The body is not UTF-8; encode it as UTF-8"
DUPLICATE_FIELD = "The body has a field twice; remove one"
LONG_NUMBER = "The body has a number with too many digits; shorten it"

TEXT = st.text(max_size=10)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=4,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=3)


def encoded(raw: bytes) -> dict[str, Any]:
    return {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True}


def refusal(event: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        read_json_object(event)
    (error,) = caught.value.errors
    assert error.field == "body"
    return error.message


def of_size(size: int, character: str = "x") -> str:
    around = '{"agent_name": ""}'
    filler, rest = divmod(size - len(around), len(character.encode()))
    text = around.replace('""', f'"{character * filler}{"x" * rest}"')
    assert len(text.encode()) == size
    return text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (' \r\n{"agent_name": "Claude"}\t', {"agent_name": "Claude"}),
        ('{"agent_name": "\u00dcber", "context": null}', {"agent_name": "\u00dcber", "context": None}),
        ('{"a": [1, 2.5, true, {"b": "c"}]}', {"a": [1, 2.5, True, {"b": "c"}]}),
        ('{"a": "\\ud83e\\udd16"}', {"a": "\U0001f916"}),
        ('{"a": {"x": 1}, "b": {"x": 2}}', {"a": {"x": 1}, "b": {"x": 2}}),
    ],
    ids=ascii,
)
def test_object_is_read_from_text_and_base64(text: str, value: dict[str, Any]) -> None:
    assert read_json_object({"body": text}) == value
    assert read_json_object({"body": text, "isBase64Encoded": False}) == value
    assert read_json_object(encoded(text.encode())) == value


@given(OBJECTS)
def test_object_round_trips(value: dict[str, Any]) -> None:
    text = json.dumps(value, ensure_ascii=False)

    assert read_json_object({"body": text}) == value
    assert read_json_object(encoded(text.encode())) == value


@pytest.mark.parametrize("flagged", [False, True])
@pytest.mark.parametrize("event", [{}, {"body": None}, {"body": ""}], ids=["absent", "null", "empty"])
def test_missing_body_is_an_error(event: dict[str, Any], flagged: bool) -> None:
    assert refusal({**event, "isBase64Encoded": flagged}) == EMPTY


@pytest.mark.parametrize("text", [" ", "\n", " \t\r\n "], ids=ascii)
def test_blank_body_is_an_error(text: str) -> None:
    assert refusal({"body": text}) == EMPTY
    assert refusal(encoded(text.encode())) == EMPTY


@pytest.mark.parametrize("text", ["null", "true", "0", "-1.5", "1e999", '"Claude"', "[]", '[{"agent_name": "Claude"}]'])
def test_json_that_is_not_an_object_is_an_error(text: str) -> None:
    assert refusal({"body": text}) == NOT_AN_OBJECT


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("{", 1, 2),
        ("agent_name=Claude", 1, 1),
        ("{'agent_name': 'Claude'}", 1, 2),
        ('{"agent_name": "Claude"} x', 1, 26),
        ('{"agent_name":\n  Claude}', 2, 3),
        ('{"agent_name": "a\nb"}', 1, 18),
        ('{"agent_name": "\\x"}', 1, 17),
        ('{"a": 01}', 1, 8),
        ("\x00", 1, 1),
    ],
    ids=ascii,
)
def test_malformed_json_error_has_line_and_column(text: str, line: int, column: int) -> None:
    message = refusal({"body": text})

    assert message.startswith("The body is not JSON: ")
    assert message.endswith(f" at line {line}, column {column}")


def test_malformed_json_error_has_the_reason() -> None:
    assert refusal({"body": "agent_name=Claude"}) == "The body is not JSON: Expecting value at line 1, column 1"


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("text", ["{}", '{{"exclusive": {}}}', '{{"a": [{{"b": {}}}]}}'])
def test_nan_and_infinity_are_errors(name: str, text: str) -> None:
    assert refusal({"body": text.format(name)}) == f"The body is not JSON, which has no {name}; remove it"


@pytest.mark.parametrize(
    "text",
    [
        '{"agent_name": "a", "agent_name": "b"}',
        '{"agent_name": "a", "agent_name": "a"}',
        '{"agent_name": "a", "\\u0061gent_name": "b"}',
        '{"a": 1, "b": 2, "a": 3}',
        '{"a": [{"b": 1, "b": 2}]}',
    ],
)
def test_duplicate_field_is_an_error(text: str) -> None:
    assert refusal({"body": text}) == DUPLICATE_FIELD


@pytest.mark.parametrize("sign", ["", "-"])
def test_number_over_4300_digits_is_an_error(sign: str) -> None:
    assert read_json_object({"body": f'{{"a": {sign}{"9" * 4300}}}'}) == {"a": int(f"{sign}1") * (10**4300 - 1)}
    assert refusal({"body": f'{{"a": {sign}{"9" * 4301}}}'}) == LONG_NUMBER


@pytest.mark.parametrize(
    "raw", [b"\xff", b'{"a": "\xff"}', b'{"a": "\xc3"}', b'{"a": "\xc0\xaf"}', b'{"a": "\xed\xa0\x80"}']
)
def test_invalid_utf8_is_an_error(raw: bytes) -> None:
    assert refusal(encoded(raw)) == NOT_UTF8


@pytest.mark.parametrize("surrogate", [0xD800, 0xDBFF, 0xDC00, 0xDFFF], ids=hex)
def test_lone_surrogate_is_an_error(surrogate: int) -> None:
    assert refusal({"body": f'{{"agent_name": "{chr(surrogate)}"}}'}) == NOT_UTF8


@pytest.mark.parametrize(
    "text",
    ["{}", "e30", "e30=\n", "e3 0=", "e30==e30=", "_-8=", "\u00e9", "\ud800", '{"agent_name": "Claude"}'],
    ids=ascii,
)
def test_malformed_base64_is_an_error(text: str) -> None:
    assert refusal({"body": text, "isBase64Encoded": True}) == NOT_BASE64


def test_base64_without_the_flag_is_malformed_json() -> None:
    assert refusal({"body": "e30="}).startswith("The body is not JSON: ")


@pytest.mark.parametrize("character", ["x", "\u00e9", "\U0001f916"], ids=ascii)
def test_body_of_8192_bytes_is_too_large(character: str) -> None:
    largest, too_large = of_size(8191, character), of_size(8192, character)

    assert read_json_object({"body": largest}) == json.loads(largest)
    assert read_json_object(encoded(largest.encode())) == json.loads(largest)
    for event in ({"body": too_large}, encoded(too_large.encode())):
        with pytest.raises(PayloadTooLargeError, match=r"\AThe body must be smaller than 8192 bytes; shorten it\Z"):
            read_json_object(event)


@pytest.mark.parametrize("raw", [b" " * 8192, b"[" * 8192, b"\xff" * 8192, b"\x00" * 1_000_000])
def test_size_is_checked_first(raw: bytes) -> None:
    with pytest.raises(PayloadTooLargeError):
        read_json_object(encoded(raw))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 4000 + "]" * 4000,
        "[" * 8191,
        '{"agent_name": ' + "[" * 4000 + "]" * 4000 + "}",
        '{"agent_name": "Claude", "more": ' + "[" * 4000 + "]" * 4000 + "}",
        '{"agent_name": "Claude", "a": ' + '{"a":' * 1300 + "1" + "}" * 1300 + "}",
        '{"a":' * 1638,
    ],
    ids=["array", "open array", "in a field", "in an unknown field", "objects", "open objects"],
)
def test_deep_nesting_is_a_validation_error(text: str) -> None:
    with pytest.raises(ValidationError):
        SignInInput.read(read_json_object({"body": text}))


def test_recursion_error_of_the_parser_is_an_error_of_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    # The depth at which the parser fails differs by platform.
    def fail(*_: object, **__: object) -> Never:
        raise RecursionError

    monkeypatch.setattr(json, "loads", fail)

    assert refusal({"body": "[" * 4000}) == (
        'The body is nested too deeply; send a flat JSON object such as {"agent_name": "Claude"}'
    )


@given(
    st.one_of(
        st.fixed_dictionaries({"body": st.text(st.characters()), "isBase64Encoded": st.booleans()}),
        st.binary().map(encoded),
        st.text('{}[]",:\\u0aeN-1 ').map(lambda text: {"body": text}),
    )
)
def test_any_body_is_an_object_or_a_validation_error(event: dict[str, Any]) -> None:
    try:
        value = read_json_object(event)
    except ValidationError:
        return
    assert isinstance(value, dict)


def test_byte_order_mark_is_ignored() -> None:
    assert read_json_object({"body": "\ufeff{}"}) == {}


def test_control_character_in_json_error_has_its_place() -> None:
    assert refusal({"body": '{"a": "\n"}'}).endswith("Invalid control character at line 1, column 8")
