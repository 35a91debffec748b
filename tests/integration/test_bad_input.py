"""Bad input returns a 400 that names the field and what to change, and writes nothing."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from agent_sessions.errors import ValidationError
from agent_sessions.http import json_body
from agent_sessions.http.request_models import SignInInput
from tests.support.events import http_event
from tests.support.functions import Api
from tests.support.samples import OWNER
from tools.openapi.route import Auth, Route
from tools.openapi.routes import ROUTES

FIELDS = ", ".join(SignInInput.model_fields)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TOKEN = "ags_k7Jq0m3oTfWb1Zl5pXcV9uYsR2hNdGaEiKtLwQzBxMA4SKvJp"
UNKNOWN = "0b0b0b0b-0000-4000-8000-000000000009"


@pytest.fixture(autouse=True)
def nothing_is_written(dynamodb: "DynamoDBClient") -> Iterator[None]:
    yield
    for table in ("AgentsTable", "SessionsTable"):
        assert dynamodb.scan(TableName=table)["Items"] == []


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "agent_name", "Agent name is required"),
        ({"agent_name": ""}, "agent_name", "Agent name is required"),
        ({"agent_name": " \t\n\u3000"}, "agent_name", "Agent name is required"),
        ({"agent_name": "x" * 101}, "agent_name", "Agent name must be 100 characters or less"),
        ({"agent_name": "🤖" * 101}, "agent_name", "Agent name must be 100 characters or less"),
        ({"agent_name": "x", "context": "y" * 201}, "context", "Context must be 200 characters or less"),
        ({"agent_name": None}, "agent_name", "agent_name must be a string"),
        ({"agent_name": 7}, "agent_name", "agent_name must be a string"),
        ({"agent_name": ["x"]}, "agent_name", "agent_name must be a string"),
        ({"agent_name": {"S": "x"}}, "agent_name", "agent_name must be a string"),
        ({"agent_name": "x", "context": 7}, "context", "context must be a string"),
        ({"agent_name": "x", "exclusive": "true"}, "exclusive", "exclusive must be true or false"),
        ({"agent_name": "x", "exclusive": 1}, "exclusive", "exclusive must be true or false"),
        ({"agent_name": "x", "exclusive": None}, "exclusive", "exclusive must be true or false"),
        (
            {"agent_name": "x", "contxt": "y"},
            "contxt",
            f"Unknown field contxt: remove it, or use one of {FIELDS}",
        ),
        (
            {"agent_name": "a\u0007b"},
            "agent_name",
            "Agent name must not contain control characters; remove U+0007 (character 2 of the text as sent)",
        ),
        (
            {"agent_name": "x", "context": "a\u001b[31m"},
            "context",
            "Context must not contain control characters; remove U+001B (character 2 of the text as sent)",
        ),
        (
            {"agent_name": "a\ud800"},
            "agent_name",
            "Agent name must not contain lone surrogates; remove U+D800 (character 2 of the text as sent)",
        ),
        (
            {"agent_name": "Caf\ufffd"},
            "agent_name",
            "Agent name must not contain replacement characters; remove U+FFFD (character 4 of the text as sent)",
        ),
        (
            {"agent_name": "x\u200b"},
            "agent_name",
            "Agent name must not contain format characters; remove U+200B (character 2 of the text as sent)",
        ),
        (
            {"agent_name": "x", "context": "\u3164"},
            "context",
            "Context must have a visible character: a letter, number, punctuation mark or symbol",
        ),
        (
            {"agent_name": "x", "metadata": {"Model": "claude"}},
            "metadata.Model",
            "Rename or remove the metadata key Model: keys are 1 to 32 of a-z, 0-9, _, . and -, first a letter",
        ),
        (
            {"agent_name": "x", "metadata": {"model": {"name": "claude"}}},
            "metadata.model",
            "metadata.model must be a string",
        ),
        (
            {"agent_name": "\ufdfa" * 100},
            "agent_name",
            "Agent name is too long once normalised: name and context together must be 2048 bytes or less; shorten it",
        ),
    ],
)
def test_bad_field_returns_400(api: Api, body: dict[str, Any], field: str, message: str) -> None:
    response = api.sign_in_raw(json.dumps(body))

    assert response.status == 400
    assert response.body["error"] == "ValidationError"
    assert response.body["detail"] == message
    assert response.messages == {field: message}


EXAMPLE = '{"agent_name": "Claude"}'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, f"The body is empty; send a JSON object such as {EXAMPLE}"),
        ("", f"The body is empty; send a JSON object such as {EXAMPLE}"),
        ("  \n", f"The body is empty; send a JSON object such as {EXAMPLE}"),
        ("agent_name=Claude", "The body is not JSON: Expecting value at line 1, column 1"),
        ('{"agent_name": "Claude"', "The body is not JSON: Expecting ',' delimiter at line 1, column 24"),
        ('["Claude"]', f"The body must be a JSON object such as {EXAMPLE}"),
        ('"Claude"', f"The body must be a JSON object such as {EXAMPLE}"),
        ("null", f"The body must be a JSON object such as {EXAMPLE}"),
        (b'{"agent_name": "\xff"}', "The body is not UTF-8; encode it as UTF-8"),
        ("[" * 4000, "The body is not JSON: Expecting value at line 1, column 4001"),
        ("[" * 4000 + "]" * 4000, f"The body must be a JSON object such as {EXAMPLE}"),
        ('{"agent_name": NaN}', "The body is not JSON, which has no NaN; remove it"),
        ('{"agent_name": "a", "agent_name": "b"}', "The body has a field twice; remove one"),
        ('{"agent_name": %s}' % ("9" * 5000), "The body has a number with too many digits; shorten it"),
    ],
)
def test_bad_body_returns_400(api: Api, body: str | bytes | None, message: str) -> None:
    response = api.sign_in_raw(body)

    assert response.status == 400
    assert response.body["detail"] == message
    assert response.messages == {"body": message}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"a":' * 1300 + "1" + "}" * 1300, "a"),
        ('{"agent_name":' + "[" * 4000 + "]" * 4000 + "}", "agent_name"),
        ('{"agent_name":"x","context":' + '{"c":' * 1300 + "1" + "}" * 1301, "context"),
    ],
)
def test_deep_nesting_returns_400_for_its_field(api: Api, body: str, field: str) -> None:
    response = api.sign_in_raw(body)

    assert response.status == 400
    assert field in response.messages


def test_nesting_beyond_the_recursion_limit_returns_400(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*_: object, **__: object) -> None:
        raise RecursionError  # builds of Python differ in the depth

    with monkeypatch.context() as patched:
        patched.setattr(json_body, "json", SimpleNamespace(loads=too_deep, JSONDecodeError=json.JSONDecodeError))
        response = api.functions["sessions"].handler(
            http_event("sign_in", authorizer=api.authorizer, body="[["), api.context
        )

    message = f"The body is nested too deeply; send a flat JSON object such as {EXAMPLE}"
    assert (response["statusCode"], json.loads(response["body"])["detail"]) == (400, message)


@pytest.mark.parametrize("route", [each for each in ROUTES if each.body], ids=lambda route: route.name)
def test_body_that_is_not_an_object_returns_400_with_a_body_of_the_route(api: Api, route: Route) -> None:
    assert route.body
    route.body.read(json.loads(route.body.example))
    event = http_event(route.name, authorizer=api.authorizer, token=TOKEN, body="[]")
    event["pathParameters"] = dict.fromkeys(route.path_parameters, UNKNOWN)

    assert api.send(event).messages == {"body": f"The body must be a JSON object such as {route.body.example}"}


@pytest.mark.parametrize("query", ["agent_name=Claude", "limit", "%C3%A9=1"])
@pytest.mark.parametrize(
    "route",
    [each for each in ROUTES if each.query is None and each.auth is not Auth.ANYONE],
    ids=lambda route: route.name,
)
def test_query_of_a_route_that_takes_none_returns_400(api: Api, route: Route, query: str) -> None:
    event = http_event(route.name, authorizer=api.authorizer, token=TOKEN, body={"agent_name": "Claude"})
    event["pathParameters"] = dict.fromkeys(route.path_parameters, UNKNOWN)

    response = api.send(event | {"rawQueryString": query})

    assert (response.status, response.messages) == (
        400,
        {"query": "This route takes no query parameters; remove them"},
    )


def test_query_of_the_health_check_is_ignored(api: Api) -> None:
    assert api.send(http_event("check_health", query={"probe": "1"})).status == 200


def test_malformed_base64_returns_400(api: Api) -> None:
    event = http_event("sign_in", authorizer=api.authorizer, body="garbage!") | {"isBase64Encoded": True}

    assert api.send(event).messages == {"body": "The body is marked as base64 but is not base64; send it as text"}


def test_all_bad_fields_are_listed(api: Api) -> None:
    response = api.sign_in_raw(json.dumps({"agent_name": "", "context": 7, "exclusive": "no", "x": 1}))

    assert set(response.messages) == {"agent_name", "context", "exclusive", "x"}


@pytest.mark.parametrize("size", [8192, 8193, 100_000])
def test_body_of_8_kb_returns_413(api: Api, size: int) -> None:
    for text in ("x" * size, b"x" * size, "é" * (size // 2)):
        response = api.sign_in_raw(text)
        assert (response.status, response.body["error"]) == (413, "PayloadTooLargeError")


def test_body_below_8_kb_is_read(api: Api) -> None:
    assert api.sign_in_raw("x" * 8191).status == 400


def test_response_never_echoes_a_possible_secret(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    responses = [
        api.sign_in_raw(json.dumps({"agent_name": "x", TOKEN: 1})),
        api.sign_in_raw(json.dumps({"agent_name": "x", "session_token": TOKEN})),
        api.sign_in_raw(json.dumps({"agent_name": "x", "exclusive": TOKEN})),
        api.sign_in_raw(json.dumps({"agent_name": [TOKEN]})),
        api.sign_in_raw(TOKEN),
        api.find(agent_name="x", session_token=TOKEN),
        api.find(agent_name="x", **{TOKEN: "1"}),
        api.agent(TOKEN),
        api.sessions("0b0b0b0b-0000-4000-8000-000000000009", next=TOKEN),
        api.sessions("0b0b0b0b-0000-4000-8000-000000000009", limit=TOKEN),
        api.end("0b0b0b0b-0000-4000-8000-000000000009", TOKEN),
        api.validate(TOKEN),
        api.validate(TOKEN + "x"),
    ]

    assert {response.status for response in responses} == {400, 401, 404}
    assert not [response.text for response in responses if TOKEN in response.text]
    assert TOKEN not in "".join(capsys.readouterr())


def test_100_emoji_are_100_characters() -> None:
    assert SignInInput.read({"agent_name": "🤖" * 100}).agent_name == "🤖" * 100


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda sessions, _: sessions.sign_in(OWNER, "Claude", metadata={"model": 7}), "metadata.model"),
        (lambda sessions, _: sessions.sign_in(OWNER, "Claude", metadata="model=x"), "metadata"),
        (lambda sessions, _: sessions.report_progress(TOKEN, {}), "body"),
        (lambda sessions, _: sessions.report_progress(TOKEN, {"state": "sleeping"}), "state"),
        (lambda sessions, _: sessions.report_progress(TOKEN, {"activity": "a\nb"}), "activity"),
        (lambda _, agents: agents.request_stop(OWNER, UNKNOWN, UNKNOWN, " "), "stop_requested"),
    ],
    ids=["value of metadata", "metadata", "nothing", "state", "activity", "reason"],
)
def test_services_check_input_before_any_call(
    api: Api, calls: Callable[[Any], list[str]], call: Callable[[Any, Any], object], field: str
) -> None:
    made = {name: calls(function) for name, function in api.functions.items()}

    with pytest.raises(ValidationError) as caught:
        call(api.functions["sessions"].service, api.functions["agents"].service)

    assert [error.field for error in caught.value.errors] == [field]
    assert made == {"sessions": [], "agents": []}
