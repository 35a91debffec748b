from dataclasses import FrozenInstanceError, replace

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
    sign_in_number=1,
)


@pytest.mark.parametrize(("now", "live"), [(NOW, True), (NOW + 1799, True), (NOW + 1800, False), (NOW + 1801, False)])
def test_a_session_is_live_before_the_second_of_its_expiry(now: int, live: bool) -> None:
    assert SESSION.is_live(now) is live


def test_the_session_signed_in_first_is_the_older() -> None:
    later = replace(SESSION, session_id="00000000-7e4c-38ba-bfa8-127cbe9a409d", created_at=NOW + 1)

    assert SESSION.sign_in_order < later.sign_in_order


def test_of_two_in_one_second_the_smaller_handle_is_the_older() -> None:
    smaller = replace(SESSION, session_id="00000000-7e4c-38ba-bfa8-127cbe9a409d")

    assert smaller.sign_in_order < SESSION.sign_in_order
    assert max(smaller, SESSION, key=lambda session: session.sign_in_order) is SESSION


def test_a_session_is_not_exclusive_unless_asked() -> None:
    assert SESSION.exclusive is False


def test_a_sign_in_keeps_its_token_out_of_repr() -> None:
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
        (Presence(AGENT, 1, NOW), "active_sessions"),
        (SessionPage((SESSION,), None), "next"),
        (Ended(1, more=False), "count"),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_what_is_known_does_not_change(model: object, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(model, name, None)
