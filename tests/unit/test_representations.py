import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.domain.models import Agent, AgentPage, Ended, Presence, Session, SessionPage, SignedIn, StopRequest
from agent_sessions.domain.times import timestamp
from agent_sessions.http.response_models import (
    AgentBody,
    SessionBody,
    SignedInBody,
    agent_body,
    agent_page_body,
    ended_body,
    found_agent_body,
    presence_body,
    session_body,
    session_page_body,
    signed_in_body,
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
    idle_seconds=1800,
    sign_in_number=1,
    incarnation="ea866a75-7e4c-88ba-bfa8-127cbe9a409d",
    exclusive=True,
    metadata={"model": "claude-opus"},
    state="waiting",
    activity="asking Ada",
    progress_at=BORN + 30,
    stop_requested=StopRequest("budget used up", BORN + 50),
)
SESSION_BODY: SessionBody = {
    "session_id": "ea866a75-7e4c-38ba-bfa8-127cbe9a409d",
    "agent_id": "4635ae41-c03a-534d-87c4-05465526a836",
    "owner": "iam:arn:aws:iam::111122223333:user/ann",
    "agent_name": "Claude",
    "context": "Project A",
    "display_name": "Claude - Project A",
    "identity_key": "claude:project a",
    "avatar_seed": "00r8pa6a",
    "metadata": {"model": "claude-opus"},
    "state": "waiting",
    "activity": "asking Ada",
    "progress_at": "2023-11-14T22:13:50Z",
    "stop_requested": {"reason": "budget used up", "at": "2023-11-14T22:14:10Z"},
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
        (1_700_000_000_000, "9999-12-31T23:59:59Z"),
        (10**30, "9999-12-31T23:59:59Z"),
        (-1, "1970-01-01T00:00:00Z"),
    ],
)
def test_times_are_rfc_3339_in_utc(seconds: int, text: str) -> None:
    assert timestamp(seconds) == text


@given(st.integers(0, 253_402_300_799))
def test_timestamp_round_trips(seconds: int) -> None:
    assert datetime.fromisoformat(timestamp(seconds)) == datetime.fromtimestamp(seconds, UTC)
    assert len(timestamp(seconds)) == 20


def test_timestamp_ignores_the_time_zone_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("TZ", "Asia/Tokyo")
            time.tzset()
            assert timestamp(BORN) == "2023-11-14T22:13:20Z"
    finally:
        time.tzset()


def test_session_body_is_flat() -> None:
    assert session_body(SESSION) == SESSION_BODY


def test_session_without_context_has_null() -> None:
    body = session_body(replace(SESSION, context=None))

    assert body == {
        **SESSION_BODY,
        "context": None,
        "display_name": "Claude",
        "identity_key": "claude:default",
        "avatar_seed": "00huo523",
    }


def test_session_that_reported_nothing_has_nulls_and_empty_metadata() -> None:
    body = session_body(replace(SESSION, metadata={}, state=None, activity=None, progress_at=None, stop_requested=None))

    assert body["metadata"] == {}
    assert [body[name] for name in ("state", "activity", "progress_at", "stop_requested")] == [None] * 4


def test_fields_are_in_documented_order() -> None:
    signed_in = signed_in_body(SignedIn(SESSION, SECRET, reused=False))

    assert list(session_body(SESSION)) == list(SessionBody.__annotations__)
    assert set(presence_body(Presence(AGENT, 0, capped=True))) <= set(AgentBody.__annotations__)
    assert list(agent_body(AGENT)) == [
        name for name in AgentBody.__annotations__ if name in AgentBody.__required_keys__
    ]
    assert list(signed_in) == [*SessionBody.__annotations__, "session_token", "reused"]
    assert set(signed_in) == SignedInBody.__required_keys__


@pytest.mark.parametrize("reused", [True, False])
def test_sign_in_body_adds_token_and_reused(reused: bool) -> None:
    assert signed_in_body(SignedIn(SESSION, SECRET, reused=reused)) == {
        **SESSION_BODY,
        "session_token": SECRET,
        "reused": reused,
    }


def test_agent_in_a_list_has_no_presence() -> None:
    assert agent_body(AGENT) == {
        "agent_id": "4635ae41-c03a-534d-87c4-05465526a836",
        "owner": "iam:arn:aws:iam::111122223333:user/ann",
        "agent_name": "Claude",
        "context": "Project A",
        "display_name": "Claude - Project A",
        "identity_key": "claude:project a",
        "avatar_seed": "00r8pa6a",
        "created_at": "2023-11-14T22:13:20Z",
        "last_active": "2023-11-14T22:13:21Z",
        "blocked": False,
    }


@pytest.mark.parametrize(("sessions", "online"), [(0, False), (1, True), (2, True)])
def test_agent_with_a_live_session_is_online(sessions: int, online: bool) -> None:
    body = presence_body(Presence(AGENT, sessions))

    assert body == {**agent_body(AGENT), "active_sessions": sessions, "online": online}


def test_capped_count_is_a_lower_bound_and_says_so() -> None:
    assert presence_body(Presence(AGENT, 1000, capped=True)) == {
        **agent_body(AGENT),
        "active_sessions": 1000,
        "active_sessions_capped": True,
        "online": True,
    }


def test_count_cut_before_a_live_session_leaves_online_open() -> None:
    assert presence_body(Presence(AGENT, 0, capped=True)) == {
        **agent_body(AGENT),
        "active_sessions": 0,
        "active_sessions_capped": True,
    }


def test_agent_and_session_show_the_same_identity() -> None:
    agent, session = agent_body(AGENT), session_body(SESSION)

    assert (agent["identity_key"], agent["avatar_seed"]) == (session["identity_key"], session["avatar_seed"])
    assert (agent["display_name"], agent["owner"]) == (session["display_name"], session["owner"])


def test_page_lists_sessions_and_the_position_of_the_next() -> None:
    other = replace(SESSION, session_id="ffffffff-7e4c-38ba-bfa8-127cbe9a409d")

    assert session_page_body(SessionPage((SESSION, other), other.session_id)) == {
        "sessions": [SESSION_BODY, {**SESSION_BODY, "session_id": other.session_id}],
        "next": other.session_id,
    }
    assert session_page_body(SessionPage((), None)) == {"sessions": [], "next": None}


def test_page_lists_agents_and_the_position_of_the_next() -> None:
    assert agent_page_body(AgentPage((AGENT,), AGENT.agent_id)) == {
        "agents": [agent_body(AGENT)],
        "next": AGENT.agent_id,
    }


def test_agent_found_by_name_is_a_page_with_its_presence() -> None:
    presence = Presence(AGENT, 1)

    assert found_agent_body(presence) == {"agents": [presence_body(presence)], "next": None}
    assert found_agent_body(None) == {"agents": [], "next": None}


def test_ended_says_whether_to_repeat() -> None:
    assert ended_body(Ended(25, more=True)) == {"ended": 25, "more": True}
    assert ended_body(Ended(0, more=False)) == {"ended": 0, "more": False}


def test_only_a_sign_in_contains_the_token() -> None:
    page = SessionPage((SESSION,), None)
    others = [json.dumps(body) for body in (session_body(SESSION), agent_body(AGENT), session_page_body(page))]
    signed_in = json.dumps(signed_in_body(SignedIn(SESSION, SECRET, reused=True)))

    assert signed_in.count(SECRET) == 1
    assert not any("session_token" in text for text in others)
