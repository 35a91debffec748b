import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_sessions.domain.models import Agent, Ended, Presence, Session, SessionPage, SignedIn
from agent_sessions.http.response_models import (
    AgentBody,
    SessionBody,
    SignedInBody,
    agent_body,
    ended_body,
    page_body,
    session_body,
    signed_in_body,
    timestamp,
)

BORN = 1_700_000_000  # 2023-11-14T22:13:20Z
SECRET = "ags_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh82zg5Kj"
AGENT = Agent(
    agent_id="4635ae41-c03a-534d-87c4-05465526a836",
    owner="iam:arn:aws:iam::111122223333:user/ann",
    identity_key="claude:project a",
    agent_name="Claude",
    context="Project A",
    created_at=BORN,
    last_active=BORN + 1,
    sign_ins=1,
)
SESSION = Session(
    agent_id="4635ae41-c03a-534d-87c4-05465526a836",
    session_id="ea866a75-7e4c-38ba-bfa8-127cbe9a409d",
    owner="iam:arn:aws:iam::111122223333:user/ann",
    agent_name="Claude",
    context="Project A",
    created_at=BORN,
    last_active=BORN + 60,
    expires_at=BORN + 1920,
    ends_at=BORN + 43200,
    sign_in_number=1,
    exclusive=True,
)
SESSION_BODY: SessionBody = {
    "session_id": "ea866a75-7e4c-38ba-bfa8-127cbe9a409d",
    "agent_id": "4635ae41-c03a-534d-87c4-05465526a836",
    "agent_name": "Claude",
    "context": "Project A",
    "display_name": "Claude - Project A",
    "identity_key": "claude:project a",
    "avatar_seed": "00r8pa6a",
    "created_at": "2023-11-14T22:13:20Z",
    "last_active": "2023-11-14T22:14:20Z",
    "expires_at": "2023-11-14T22:45:20Z",
    "ends_at": "2023-11-15T10:13:20Z",
}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (BORN, "2023-11-14T22:13:20Z"),
        (1_709_164_800, "2024-02-29T00:00:00Z"),
        (2**31, "2038-01-19T03:14:08Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ],
)
def test_times_are_rfc_3339_in_utc(seconds: int, text: str) -> None:
    assert timestamp(seconds) == text


@given(st.integers(0, 253_402_300_799))
@settings(deadline=None)
def test_a_timestamp_loses_nothing(seconds: int) -> None:
    assert datetime.fromisoformat(timestamp(seconds)) == datetime.fromtimestamp(seconds, UTC)
    assert len(timestamp(seconds)) == 20


def test_times_do_not_depend_on_where_the_process_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("TZ", "Asia/Tokyo")
            time.tzset()
            assert timestamp(BORN) == "2023-11-14T22:13:20Z"
    finally:
        time.tzset()


def test_a_session_is_flat() -> None:
    assert session_body(SESSION) == SESSION_BODY


def test_a_session_without_context_says_so() -> None:
    told = session_body(replace(SESSION, context=None))

    assert told == {
        **SESSION_BODY,
        "context": None,
        "display_name": "Claude",
        "identity_key": "claude:default",
        "avatar_seed": "00huo523",
    }


def test_fields_come_in_the_order_in_which_they_are_documented() -> None:
    signed_in = signed_in_body(SignedIn(SESSION, SECRET, reused=False))

    assert list(session_body(SESSION)) == list(SessionBody.__annotations__)
    assert list(agent_body(Presence(AGENT, 0, BORN))) == list(AgentBody.__annotations__)
    assert list(signed_in) == [*SessionBody.__annotations__, "session_token", "reused"]
    assert set(signed_in) == SignedInBody.__required_keys__


@pytest.mark.parametrize("reused", [True, False])
def test_a_sign_in_adds_the_token_and_whether_the_agent_was_known(reused: bool) -> None:
    assert signed_in_body(SignedIn(SESSION, SECRET, reused=reused)) == {
        **SESSION_BODY,
        "session_token": SECRET,
        "reused": reused,
    }


def test_an_agent_is_told_with_its_presence() -> None:
    assert agent_body(Presence(AGENT, active_sessions=2, last_active=BORN + 90)) == {
        "agent_id": "4635ae41-c03a-534d-87c4-05465526a836",
        "agent_name": "Claude",
        "context": "Project A",
        "display_name": "Claude - Project A",
        "identity_key": "claude:project a",
        "avatar_seed": "00r8pa6a",
        "created_at": "2023-11-14T22:13:20Z",
        "last_active": "2023-11-14T22:14:50Z",
        "online": True,
        "active_sessions": 2,
    }


@pytest.mark.parametrize(("sessions", "online"), [(0, False), (1, True), (2, True)])
def test_an_agent_with_a_live_session_is_online(sessions: int, online: bool) -> None:
    told = agent_body(Presence(AGENT, sessions, BORN))

    assert told["online"] is online
    assert told["active_sessions"] == sessions


def test_an_agent_and_its_session_show_the_same_identity() -> None:
    agent, session = agent_body(Presence(AGENT, 1, BORN)), session_body(SESSION)

    assert (agent["identity_key"], agent["avatar_seed"]) == (session["identity_key"], session["avatar_seed"])
    assert agent["display_name"] == session["display_name"]


def test_a_page_lists_sessions_and_says_where_the_next_starts() -> None:
    other = replace(SESSION, session_id="ffffffff-7e4c-38ba-bfa8-127cbe9a409d")

    assert page_body(SessionPage((SESSION, other), other.session_id)) == {
        "sessions": [SESSION_BODY, {**SESSION_BODY, "session_id": other.session_id}],
        "next": other.session_id,
    }


def test_the_last_page_has_no_next() -> None:
    assert page_body(SessionPage((), None)) == {"sessions": [], "next": None}


def test_more_is_told_only_where_some_are_left() -> None:
    assert ended_body(Ended(25, more=True)) == {"ended": 25, "more": True}
    assert ended_body(Ended(3, more=False)) == {"ended": 3}
    assert ended_body(Ended(0, more=False)) == {"ended": 0}


def test_only_a_sign_in_tells_the_token_and_nothing_tells_the_owner() -> None:
    presence, page = Presence(AGENT, 1, BORN), SessionPage((SESSION,), None)
    told = [json.dumps(body) for body in (session_body(SESSION), agent_body(presence), page_body(page))]
    signed_in = json.dumps(signed_in_body(SignedIn(SESSION, SECRET, reused=True)))

    assert signed_in.count(SECRET) == 1
    assert not any("session_token" in text for text in told)
    assert not any("owner" in text or "user/ann" in text for text in [*told, signed_in])
