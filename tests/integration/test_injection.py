"""Nothing that a caller sends becomes a header, a second log line, or a way to what is not the caller's."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.guards.leaks import LEAKS
from tests.support.contract import ApiResponse
from tests.support.events import ISSUER, USER, http_event, iam, jwt
from tests.support.functions import Api
from tests.support.hostile import ALLOWED, REFUSED
from tests.support.tokens import raw_of, token_of

UNKNOWN = "0b0b0b0b-0000-4000-8000-000000000009"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the log lines since last asked; each is JSON, in characters that no terminal acts upon."""
    out = capsys.readouterr().out
    assert out.isascii()
    assert all(character.isprintable() or character == "\n" for character in out)
    return [json.loads(line) for line in out.splitlines()]


def test_a_name_is_only_ever_a_name(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    plain = api.sign_in("Claude", context="Project A")
    lines(capsys)

    for text in ALLOWED:
        answer = api.sign_in(text, context=text)

        assert (answer.body["agent_name"], answer.body["context"]) == (text, text)
        assert answer.headers == plain.headers
        assert answer.text.isascii()
        assert api.found(text, context=text)["agent_id"] == answer.body["agent_id"]
        told = [line for line in lines(capsys) if line.get("message") == "request"]
        assert [line["route"] for line in told] == ["POST /sessions", "GET /agents"]
        assert text not in [value for line in told for value in line.values()]


@pytest.mark.parametrize("field", ["agent_name", "context"])
def test_refused_character_is_named_and_never_repeated(
    api: Api, capsys: pytest.CaptureFixture[str], field: str
) -> None:
    for text in REFUSED:
        answer = api.sign_in_raw(json.dumps({"agent_name": "x"} | {field: text}))

        assert answer.status == 400
        assert f"remove U+{ord(text[1]):04X} (character 2 of the text as sent)" in answer.messages[field]
        assert answer.text.isprintable()
        assert [line["status"] for line in lines(capsys) if line.get("message") == "request"] == [400]


@pytest.mark.parametrize("where", ["field", "parameter"])
def test_a_field_is_told_back_only_if_its_name_is_plain(api: Api, where: str) -> None:
    for text in [*ALLOWED, *REFUSED]:
        if where == "field":
            answer = api.sign_in_raw(json.dumps({"agent_name": "x", text: 1}))
        else:
            query = f"agent_name=x&{quote(text, errors='replace')}=1"
            answer = api.send(http_event("list_agents", authorizer=api.authorizer) | {"rawQueryString": query})

        assert answer.status == 400
        assert answer.text.isprintable()
        assert answer.text.isascii()


def test_an_owner_with_an_odd_name_leaves_one_line_for_a_request(
    start: Callable[..., Api], capsys: pytest.CaptureFixture[str]
) -> None:
    api = start(API_AUTH="JWT")
    for subject in [*ALLOWED, *(text for text in REFUSED if "\ud800" not in text)]:
        answer = api.as_owner(jwt(subject)).sign_in("Claude")

        assert (answer.status, answer.body["reused"]) == (201, False)
        told = [line for line in lines(capsys) if "owner" in line]
        assert [(line["message"], line["owner"]) for line in told] == [("request", f"jwt:{ISSUER}#{subject}")]


def test_no_header_of_a_request_comes_back(api: Api) -> None:
    plain = api.sign_in("Claude").headers
    for text in [*ALLOWED, *REFUSED]:
        event = http_event("sign_in", authorizer=api.authorizer, body={"agent_name": "Claude"})
        sent = (
            "origin",
            "cookie",
            "accept",
            "content-type",
            "host",
            "x-forwarded-host",
            "x-request-id",
            "accept-encoding",
        )
        event["headers"] |= dict.fromkeys(sent, text) | {text: text}
        event["cookies"] = [text]
        event["requestContext"]["domainName"] = text

        assert api.send(event).headers == plain


# -- ways to what is another's


def encodings(value: str) -> list[str]:
    """Return spellings that some decoder or other would take for a value."""
    percent = "".join(f"%{ord(character):02x}" for character in value)
    return [
        percent,
        quote(percent),
        value.replace("-", "%2D"),
        value.replace("-", ""),
        f"{{{value}}}",
        f"urn:uuid:{value}",
        f" {value}",
        f"{value} ",
        f"{value}\n",
        f"{value}\x00",
        f"{value}%00",
        f"{value}/",
        f"./{value}",
        f"{UNKNOWN}/../{value}",
        f"{value},{UNKNOWN}",
        f"{value}/sessions",
        f"{value}?a=b",
        f"{value}#a",
        f'"{value}"',
        json.dumps({"S": value}),
        json.dumps([value]),
        base64.b64encode(value.encode()).decode(),
        chr(ord(value[0]) + 0xFEE0) + value[1:],  # full width
        "\u200b" + value,
    ]


class Two:
    """Ada, who attacks, and Bob, who has one agent with one session."""

    def __init__(self, api: Api) -> None:
        self.ada = api
        self.bob = api.as_owner(iam("arn:aws:iam::111122223333:user/bob"))
        self.hers = [api.sign_in("Ada").body for _ in range(3)]
        self.his = self.bob.sign_in("Bob").body
        self.agent_id: str = self.hers[0]["agent_id"]
        self.handles = sorted(each["session_id"] for each in self.hers)

    def list_with(self, query: str) -> ApiResponse:
        event = http_event("list_agent_sessions", authorizer=self.ada.authorizer, agent_id=self.agent_id)
        return self.ada.send(event | {"rawQueryString": query})

    def check_untouched(self) -> None:
        assert self.bob.agent(self.his["agent_id"]).body["active_sessions"] == 1
        assert self.bob.validate(self.his["session_token"]).status == 200


@pytest.fixture
def two(api: Api) -> Two:
    assert api.authorizer == iam(USER)
    return Two(api)


@pytest.mark.parametrize("whose", ["hers", "his"])
def test_no_spelling_of_an_agents_id_leads_to_it(two: Two, whose: str) -> None:
    agent_id = two.agent_id if whose == "hers" else two.his["agent_id"]
    nobody = two.ada.agent(UNKNOWN)
    assert nobody.status == 404

    for text in [*encodings(agent_id), *([agent_id] if whose == "his" else []), *ALLOWED, *REFUSED]:
        answers = [
            two.ada.agent(text),
            two.ada.sessions(text),
            two.ada.end_all(text),
            two.ada.end(text, two.his["session_id"]),
        ]
        assert {answer.status for answer in answers} == {404}, text
        assert {answer.text for answer in answers[:3]} == {nobody.text}, text
    two.check_untouched()
    assert two.ada.agent(two.agent_id).body["active_sessions"] == 3


def test_no_spelling_of_a_handle_ends_a_session_of_another(two: Two) -> None:
    his = two.his["session_id"]
    for text in [*encodings(his), *ALLOWED, *REFUSED]:
        assert two.ada.end(two.agent_id, text).status == 404
        assert two.ada.end(two.his["agent_id"], text).status == 404

    # A handle that is none of this agent's is as one that ended.
    assert two.ada.end(two.agent_id, his).status == 204
    assert two.ada.end(two.his["agent_id"], his).status == 404
    assert two.ada.end(two.his["agent_id"], two.handles[0]).status == 404
    two.check_untouched()
    assert two.ada.agent(two.agent_id).body["active_sessions"] == 3


def test_a_cursor_only_ever_skips_within_the_agent_that_is_asked_for(two: Two) -> None:
    for cursor in (
        two.his["session_id"],
        two.his["agent_id"],
        two.agent_id,
        UNKNOWN,
        "0" * 8 + UNKNOWN[8:],
        *two.handles,
    ):
        for query in (f"next={cursor}", f"next={quote(cursor.replace('-', '%2d'), safe='%')}"):
            page = two.list_with(query).body

            assert [each["session_id"] for each in page["sessions"]] == [each for each in two.handles if each > cursor]
            assert page["next"] is None


def test_a_forged_cursor_is_refused(two: Two) -> None:
    key = {"agent_id": two.his["agent_id"], "session_id": two.his["session_id"]}
    item_key = {name: {"S": value} for name, value in key.items()}
    forged = [
        json.dumps(key),
        json.dumps(item_key),
        base64.b64encode(json.dumps(item_key).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps(key).encode()).decode(),
        f"{key['agent_id']}:{key['session_id']}",
        f"{key['agent_id']}/{key['session_id']}",
        f"{key['agent_id']}{key['session_id']}",
        two.his["session_token"],
        *(each for each in encodings(key["session_id"]) if each != key["session_id"]),
        *ALLOWED,
    ]
    for cursor in forged:
        with LEAKS.misplaced():
            answer = two.list_with(f"next={quote(cursor, safe='')}")

        assert (answer.status, set(answer.messages)) == (400, {"next"}), cursor
        assert key["session_id"] not in answer.text
    for query in (
        f"next={two.handles[0]}&next={key['session_id']}",
        f"next={two.handles[0]}&agent_id={key['agent_id']}",
        f"next={two.handles[0]}&owner=iam:{USER}",
        f"next[agent_id]={key['agent_id']}",
    ):
        assert two.list_with(query).status == 400


def test_a_token_that_was_put_together_is_no_token(two: Two) -> None:
    hers, his = (raw_of(each["session_token"]) for each in (two.hers[0], two.his))
    forged = [
        his[:16] + hers[16:],
        hers[:16] + his[16:],
        his[:16] + bytes(16),
        his[:16] + bytes.fromhex(two.his["session_id"].replace("-", "")),
        his[:31] + bytes([his[31] ^ 1]),
    ]
    for raw in forged:
        token = token_of(raw)

        assert two.ada.validate(token).status == 401
        assert two.ada.sign_out(token).status == 204  # as of any session that is not there
    two.check_untouched()
    assert two.ada.agent(two.agent_id).body["active_sessions"] == 3
