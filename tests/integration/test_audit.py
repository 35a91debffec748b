"""The audit lines: one for each end, block, deletion, stop request and 403, at every log level."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from agent_sessions.domain.tokens import PREFIX
from agent_sessions.errors import DatabaseError
from tests.conftest import FrozenClock
from tests.support.events import http_event, load_event
from tests.support.functions import OWNER, Api

REQUEST_ID = load_event("sign_in")["requestContext"]["requestId"]
MISSING = "0b0b0b0b-0000-4000-8000-000000000009"
# Of the form of a token, but made by nobody, so that the guards do not know it.
FORGED = PREFIX + "A" * 43 + "000000"


@pytest.fixture
def api(start: Callable[..., Api]) -> Api:
    """The API with every other log line switched off."""
    return start(POWERTOOLS_SERVICE_NAME="audited", POWERTOOLS_LOG_LEVEL="ERROR")


@pytest.fixture
def entries(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """The audit lines since the last call, without what they have in common."""

    def read() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        audited = [line for line in lines if line.get("message") == "audit"]
        for line in audited:
            assert (line.pop("level"), line.pop("message"), line.pop("service")) == ("AUDIT", "audit", "audited")
            assert line.pop("request_id") == REQUEST_ID
            assert line.pop("timestamp")
        return audited

    return read


type Entries = Callable[[], list[dict[str, Any]]]


def entry(action: str, reason: str, session: dict[str, Any] | None, *session_ids: str) -> dict[str, Any]:
    return {
        "action": action,
        "reason": reason,
        "owner": f"iam:{OWNER}",
        "number": len(session_ids),
        "session_ids": list(session_ids),
    } | ({"agent_id": session["agent_id"]} if session else {})


def test_sign_out_is_audited_once(api: Api, entries: Entries) -> None:
    session = api.sign_in().body
    assert entries() == []

    api.sign_out(session["session_token"])
    assert entries() == [entry("end_sessions", "sign_out", session, session["session_id"])]

    api.sign_out(session["session_token"])
    assert entries() == []


def test_ends_by_the_owner_name_their_sessions(api: Api, entries: Entries) -> None:
    sessions = [api.sign_in().body for _ in range(4)]
    ids = [each["session_id"] for each in sessions]
    agent_id = sessions[0]["agent_id"]

    api.end(agent_id, ids[0])
    assert entries() == [entry("end_sessions", "requested", sessions[0], ids[0])]

    api.end_all(agent_id)
    assert entries() == [entry("end_sessions", "requested", sessions[0], *sorted(ids[1:]))]

    last = api.sign_in().body["session_id"]
    api.end_everything()
    assert entries() == [entry("end_sessions", "requested", None, last)]


def test_block_unblock_and_delete_are_audited(api: Api, entries: Entries) -> None:
    session = api.sign_in().body

    api.block(session["agent_id"])
    assert entries() == [entry("block_agent", "requested", session, session["session_id"])]

    assert api.sign_in().status == 403
    assert entries() == [entry("refuse", "blocked", session)]

    api.block(session["agent_id"], False)
    assert entries() == [entry("unblock_agent", "requested", session)]

    second = api.sign_in().body["session_id"]
    api.delete(session["agent_id"])
    assert entries() == [
        entry("block_agent", "requested", session, second),
        entry("delete_agent", "requested", session),
    ]


def test_stop_request_is_audited_with_its_reason_and_without_tokens(api: Api, entries: Entries) -> None:
    session = api.sign_in().body
    agent_id, session_id = session["agent_id"], session["session_id"]

    api.stop(agent_id, session_id, stop_requested=f"over budget {FORGED}")
    assert entries() == [entry("request_stop", f"over budget {PREFIX}…", session, session_id)]

    api.stop(agent_id, session_id, stop_requested=None)
    assert entries() == [entry("withdraw_stop", "requested", session, session_id)]


def test_exclusive_sign_in_names_the_sessions_that_it_ends(api: Api, entries: Entries) -> None:
    first = api.sign_in().body

    api.sign_in(exclusive=True)

    assert entries() == [entry("end_sessions", "exclusive", first, first["session_id"])]


def test_sessions_beyond_the_limit_are_audited(start: Callable[..., Api], entries: Entries) -> None:
    api = start(POWERTOOLS_SERVICE_NAME="audited", POWERTOOLS_LOG_LEVEL="ERROR", MAX_SESSIONS_PER_AGENT="1")
    sessions = [api.sign_in().body for _ in range(16)]

    (line,) = entries()
    assert (line["action"], line["reason"], line["number"]) == ("end_sessions", "limit", 15)
    assert sorted(line["session_ids"]) == sorted(each["session_id"] for each in sessions[:15])


def test_session_that_its_agent_no_longer_admits_is_audited(api: Api, entries: Entries, frozen: FrozenClock) -> None:
    session = api.sign_in().body
    # The block was made while the session was being written.
    tables = api.functions["agents"].service.tables
    assert tables.agents.move_fence(session["agent_id"], session["owner"], block=True)
    frozen.tick(900)

    assert api.validate(session["session_token"]).status == 401

    assert entries() == [entry("end_sessions", "not_admitted", session, session["session_id"])]


def test_a_line_names_at_most_100_sessions_and_counts_all(api: Api, entries: Entries) -> None:
    agent_ids = {api.sign_in().body["agent_id"] for _ in range(101)}
    entries()

    api.end_all(agent_ids.pop())

    (line,) = entries()
    assert (line["number"], len(line["session_ids"])) == (101, 100)


def test_block_that_cannot_end_the_sessions_is_audited_as_what_it_did(
    api: Api, entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = api.sign_in().body

    def fail(_: object) -> None:
        raise DatabaseError("BatchWriteItem")

    monkeypatch.setattr(api.functions["agents"].service.tables.sessions, "delete_sessions", fail)

    assert api.block(session["agent_id"]).status == 503
    assert entries() == [entry("block_agent", "requested", session)]
    assert api.end_everything().status == 503
    assert entries() == [entry("end_sessions", "requested", None)]


def test_caller_that_the_gateway_does_not_name_is_audited(api: Api, entries: Entries) -> None:
    assert api.as_owner({"iam": {}}).sign_in().status == 403

    (line,) = entries()
    assert (line["action"], line["reason"], "owner" in line) == ("refuse", "no_caller", False)


def test_bad_input_and_bad_tokens_are_only_counted(api: Api, entries: Entries) -> None:
    assert api.validate("nonsense").status == 401
    assert api.sign_out("nonsense").status == 401
    assert api.sign_in_raw("{").status == 400
    assert api.end(MISSING, MISSING).status == 404
    assert api.block(MISSING).status == 404
    assert api.send(http_event("get_agent", authorizer=api.authorizer, agent_id=MISSING)).status == 404

    assert entries() == []
