from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from agent_sessions.domain.models import Agent, Ended, Presence, Session, SessionPage, SignedIn

NOW = 1_700_000_000
SECRET = "ags_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh82zg5Kj"
AGENT = Agent(
    agent_id="4635ae41-c03a-534d-87c4-05465526a836",
    owner="public",
    identity_key="claude:default",
    agent_name="Claude",
    context=None,
    created_at=NOW,
    last_active=NOW,
    sign_ins=1,
)
SESSION = Session(
    agent_id=AGENT.agent_id,
    session_id="ea866a75-7e4c-38ba-bfa8-127cbe9a409d",
    owner="public",
    agent_name="Claude",
    context=None,
    created_at=NOW,
    last_active=NOW,
    expires_at=NOW + 1800,
    ends_at=NOW + 43200,
    idle_seconds=1800,
    sign_in_number=1,
    incarnation="ea866a75-7e4c-88ba-bfa8-127cbe9a409d",
)


@pytest.mark.parametrize(("now", "live"), [(NOW, True), (NOW + 1799, True), (NOW + 1800, False), (NOW + 1801, False)])
def test_session_is_live_until_the_second_of_its_expiry(now: int, live: bool) -> None:
    assert SESSION.is_live(now) is live


@pytest.mark.parametrize(("now", "live"), [(NOW + 43199, True), (NOW + 43200, False)])
def test_session_is_dead_at_the_end_of_its_lifetime_whatever_expires_at_says(now: int, live: bool) -> None:
    assert replace(SESSION, expires_at=NOW + 10**9).is_live(now) is live


@pytest.mark.parametrize(("not_before", "live"), [(NOW - 1, True), (NOW, True), (NOW + 1, False)])
def test_session_created_before_the_cutoff_is_dead(not_before: int, live: bool) -> None:
    assert SESSION.is_live(NOW, not_before) is live


def test_order_of_sessions_is_the_number_of_their_sign_in_not_a_clock() -> None:
    later = replace(SESSION, sign_in_number=2, created_at=NOW - 60)

    assert SESSION.is_older_than(later)
    assert not later.is_older_than(SESSION)
    assert not SESSION.is_older_than(SESSION)


def test_sessions_of_two_incarnations_have_no_order() -> None:
    other = replace(SESSION, sign_in_number=2, incarnation="other")

    assert not SESSION.is_older_than(other)
    assert not other.is_older_than(SESSION)


@pytest.mark.parametrize(
    ("changes", "admitted"),
    [
        ({}, True),
        ({"blocked": True}, False),
        ({"ended_through": 1}, False),
        ({"incarnation": "other"}, False),
        ({"incarnation": None}, False),
    ],
)
def test_agent_admits_sessions_of_its_incarnation_beyond_its_fence(changes: dict[str, Any], admitted: bool) -> None:
    agent = replace(AGENT, **({"incarnation": SESSION.incarnation} | changes))

    assert agent.admits(SESSION) is admitted


def test_session_is_not_exclusive_by_default() -> None:
    assert SESSION.exclusive is False


def test_repr_of_signed_in_hides_the_token() -> None:
    signed_in = SignedIn(SESSION, SECRET, reused=True)

    assert signed_in.session_token == SECRET
    assert repr(signed_in) == str(signed_in) == f"SignedIn(session={SESSION!r}, reused=True)"
    assert SECRET not in repr([signed_in])


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (AGENT, "owner"),
        (SESSION, "expires_at"),
        (SignedIn(SESSION, SECRET, reused=True), "session_token"),
        (Presence(AGENT, 1), "active_sessions"),
        (SessionPage((SESSION,), None), "next"),
        (Ended(1, more=False), "count"),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_models_are_immutable(model: object, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(model, name, None)
