"""No input becomes a header, a second log line, or access to another owner's data."""

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
    """Return the log lines since the last call; each is JSON, without characters that a terminal interprets."""
    out = capsys.readouterr().out
    assert out.isascii()
    assert all(character.isprintable() or character == "\n" for character in out)
    return [json.loads(line) for line in out.splitlines()]


def test_hostile_name_is_stored_and_found_unchanged(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    plain = api.sign_in("Claude", context="Project A")
    lines(capsys)

    for text in ALLOWED:
        response = api.sign_in(text, context=text)

        assert (response.body["agent_name"], response.body["context"]) == (text, text)
        assert response.headers == plain.headers
        assert response.text.isascii()
        assert api.found(text, context=text)["agent_id"] == response.body["agent_id"]
        logged = [line for line in lines(capsys) if line.get("message") == "request"]
        assert [line["route"] for line in logged] == ["POST /sessions", "GET /agents"]
        assert text not in [value for line in logged for value in line.values()]


@pytest.mark.parametrize("field", ["agent_name", "context"])
def test_refused_character_is_named_and_never_repeated(
    api: Api, capsys: pytest.CaptureFixture[str], field: str
) -> None:
    for text in REFUSED:
        response = api.sign_in_raw(json.dumps({"agent_name": "x"} | {field: text}))

        assert response.status == 400
        assert f"remove U+{ord(text[1]):04X} (character 2 of the text as sent)" in response.messages[field]
        assert response.text.isprintable()
        assert [line["status"] for line in lines(capsys) if line.get("message") == "request"] == [400]


@pytest.mark.parametrize("where", ["field", "parameter"])
def test_unknown_field_is_echoed_only_in_printable_ascii(api: Api, where: str) -> None:
    for text in [*ALLOWED, *REFUSED]:
        if where == "field":
            response = api.sign_in_raw(json.dumps({"agent_name": "x", text: 1}))
        else:
            query = f"agent_name=x&{quote(text, errors='replace')}=1"
            response = api.send(http_event("list_agents", authorizer=api.authorizer) | {"rawQueryString": query})

        assert response.status == 400
        assert response.text.isprintable()
        assert response.text.isascii()


def test_hostile_owner_leaves_one_log_line_per_request(
    start: Callable[..., Api], capsys: pytest.CaptureFixture[str]
) -> None:
    api = start(API_AUTH="JWT")
    for subject in [*ALLOWED, *(text for text in REFUSED if "\ud800" not in text)]:
        assert api.as_owner(jwt(subject)).roster().status == 200
        logged = [line for line in lines(capsys) if "owner" in line]
        assert [(line["message"], line["owner"]) for line in logged] == [("request", f"jwt:{ISSUER}#{subject}")]


def test_request_headers_are_never_returned(api: Api) -> None:
    agent_id = api.sign_in().body["agent_id"]
    plain = api.agent(agent_id).headers
    for text in [*ALLOWED, *REFUSED]:
        event = http_event("get_agent", authorizer=api.authorizer, agent_id=agent_id)
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


# -- access to another owner's data


def encodings(value: str) -> list[str]:
    """Return spellings that some decoder would read as this value."""
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


class Attack:
    """Two owners: Ada, who attacks, with three sessions of one agent; and Bob, with one session."""

    def __init__(self, api: Api) -> None:
        self.ada = api
        self.bob = api.as_owner(iam("arn:aws:iam::111122223333:user/bob"))
        self.sessions = [api.sign_in("Ada").body for _ in range(3)]
        self.target = self.bob.sign_in("Bob").body
        self.agent_id: str = self.sessions[0]["agent_id"]
        self.session_ids = sorted(each["session_id"] for each in self.sessions)

    def list_with(self, query: str) -> ApiResponse:
        event = http_event("list_agent_sessions", authorizer=self.ada.authorizer, agent_id=self.agent_id)
        return self.ada.send(event | {"rawQueryString": query})

    def check_untouched(self) -> None:
        assert self.bob.agent(self.target["agent_id"]).body["active_sessions"] == 1
        assert self.bob.validate(self.target["session_token"]).status == 200


@pytest.fixture
def attack(api: Api) -> Attack:
    assert api.authorizer == iam(USER)
    return Attack(api)


@pytest.mark.parametrize("owner", ["attacker", "target"])
def test_other_spelling_of_agent_id_returns_404(attack: Attack, owner: str) -> None:
    agent_id = attack.agent_id if owner == "attacker" else attack.target["agent_id"]
    nobody = attack.ada.agent(UNKNOWN)
    assert nobody.status == 404

    for text in [*encodings(agent_id), *([agent_id] if owner == "target" else []), *ALLOWED, *REFUSED]:
        responses = [
            attack.ada.agent(text),
            attack.ada.sessions(text),
            attack.ada.end_all(text),
            attack.ada.end(text, attack.target["session_id"]),
        ]
        assert {response.status for response in responses} == {404}, text
        assert {response.text for response in responses[:3]} == {nobody.text}, text
    attack.check_untouched()
    assert attack.ada.agent(attack.agent_id).body["active_sessions"] == 3


def test_other_spelling_of_session_id_ends_nothing(attack: Attack) -> None:
    session_id = attack.target["session_id"]
    for text in [*encodings(session_id), *ALLOWED, *REFUSED]:
        assert attack.ada.end(attack.agent_id, text).status == 404
        assert attack.ada.end(attack.target["agent_id"], text).status == 404

    # A session_id of another agent looks like one that has ended.
    assert attack.ada.end(attack.agent_id, session_id).status == 204
    assert attack.ada.end(attack.target["agent_id"], session_id).status == 404
    assert attack.ada.end(attack.target["agent_id"], attack.session_ids[0]).status == 404
    attack.check_untouched()
    assert attack.ada.agent(attack.agent_id).body["active_sessions"] == 3


def test_next_only_skips_within_the_agent(attack: Attack) -> None:
    for cursor in (
        attack.target["session_id"],
        attack.target["agent_id"],
        attack.agent_id,
        UNKNOWN,
        "0" * 8 + UNKNOWN[8:],
        *attack.session_ids,
    ):
        for query in (f"next={cursor}", f"next={quote(cursor.replace('-', '%2d'), safe='%')}"):
            page = attack.list_with(query).body

            assert [each["session_id"] for each in page["sessions"]] == [
                each for each in attack.session_ids if each > cursor
            ]
            assert page["next"] is None


def test_forged_next_returns_400(attack: Attack) -> None:
    key = {"agent_id": attack.target["agent_id"], "session_id": attack.target["session_id"]}
    item_key = {name: {"S": value} for name, value in key.items()}
    forged = [
        json.dumps(key),
        json.dumps(item_key),
        base64.b64encode(json.dumps(item_key).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps(key).encode()).decode(),
        f"{key['agent_id']}:{key['session_id']}",
        f"{key['agent_id']}/{key['session_id']}",
        f"{key['agent_id']}{key['session_id']}",
        attack.target["session_token"],
        *(each for each in encodings(key["session_id"]) if each != key["session_id"]),
        *ALLOWED,
    ]
    for cursor in forged:
        with LEAKS.misplaced():
            response = attack.list_with(f"next={quote(cursor, safe='')}")

        assert (response.status, set(response.messages)) == (400, {"next"}), cursor
        assert key["session_id"] not in response.text
    for query in (
        f"next={attack.session_ids[0]}&next={key['session_id']}",
        f"next={attack.session_ids[0]}&agent_id={key['agent_id']}",
        f"next={attack.session_ids[0]}&owner=iam:{USER}",
        f"next[agent_id]={key['agent_id']}",
    ):
        assert attack.list_with(query).status == 400


def test_forged_token_returns_401(attack: Attack) -> None:
    own, other = (raw_of(each["session_token"]) for each in (attack.sessions[0], attack.target))
    forged = [
        other[:16] + own[16:],
        own[:16] + other[16:],
        other[:16] + bytes(16),
        other[:16] + bytes.fromhex(attack.target["session_id"].replace("-", "")),
        other[:31] + bytes([other[31] ^ 1]),
    ]
    for raw in forged:
        token = token_of(raw)

        assert attack.ada.validate(token).status == 401
        assert attack.ada.sign_out(token).status == 204  # as for any session that does not exist
    attack.check_untouched()
    assert attack.ada.agent(attack.agent_id).body["active_sessions"] == 3
