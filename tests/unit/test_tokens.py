import base64
import string
import uuid
from dataclasses import FrozenInstanceError
from functools import reduce
from operator import and_, or_

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_sessions.domain.identity import parse_id
from agent_sessions.domain.tokens import SessionToken
from agent_sessions.errors import InvalidSessionError

AGENT = "4635ae41-c03a-534d-87c4-05465526a836"
ALPHABET = string.ascii_letters + string.digits + "-_"
# base64url of the bytes 0 to 31
SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


def bytes_of(secret: str) -> bytes:
    return base64.b64decode(secret + "=", altchars=b"-_", validate=True)


def test_a_token_is_read_as_the_agent_and_the_handle_it_was_made_for() -> None:
    # Sessions are stored under this handle.
    token = SessionToken.parse(SECRET)

    assert token.agent_id == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert token.session_id == "ea866a75-7e4c-38ba-bfa8-127cbe9a409d"
    assert token.secret == SECRET


@given(st.uuids())
@settings(deadline=None)
def test_a_minted_token_reads_back_the_same(agent: uuid.UUID) -> None:
    minted = SessionToken.mint(str(agent))

    assert SessionToken.parse(minted.secret) == minted
    assert minted.agent_id == str(agent)


def test_a_token_is_43_characters_of_the_agent_and_16_random_bytes() -> None:
    secret = SessionToken.mint(AGENT).secret

    assert len(secret) == 43
    assert set(secret) <= set(ALPHABET)
    assert bytes_of(secret)[:16] == uuid.UUID(AGENT).bytes
    assert len(bytes_of(secret)) == 32


def test_a_token_does_not_change() -> None:
    token = SessionToken.mint(AGENT)

    with pytest.raises(FrozenInstanceError):
        token.agent_id = AGENT  # type: ignore[misc]


def test_every_token_is_new() -> None:
    minted = [SessionToken.mint(AGENT) for _ in range(1000)]

    assert len({token.secret for token in minted}) == 1000
    assert len({token.session_id for token in minted}) == 1000


def test_each_of_the_128_bits_is_random() -> None:
    drawn = [int.from_bytes(bytes_of(SessionToken.mint(AGENT).secret)[16:]) for _ in range(200)]

    assert reduce(or_, drawn) == 2**128 - 1
    assert reduce(and_, drawn) == 0


def test_the_handle_is_an_id_and_tells_nothing_of_the_token() -> None:
    token = SessionToken.mint(AGENT)

    assert parse_id(token.session_id) == token.session_id
    assert uuid.UUID(token.session_id).bytes not in bytes_of(token.secret)


def test_the_secret_is_never_in_repr() -> None:
    token = SessionToken.mint(AGENT)

    for shown in (repr(token), str(token), f"{token}", repr([token]), repr({"token": token})):
        assert token.session_id in shown
        assert token.secret not in shown
        assert token.secret[22:] not in shown
        assert "secret" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "A",
        SECRET[:-1],
        SECRET[1:],
        SECRET + "8",
        SECRET * 2,
        SECRET + "=",
        SECRET + "==",
        SECRET + "\n",
        SECRET[:-1] + "\n",
        SECRET + " ",
        " " + SECRET,
        "Bearer " + SECRET,
        "+" + SECRET[1:],
        "/" + SECRET[1:],
        "." + SECRET[1:],
        "\x00" + SECRET[1:],
        "\u0391" + SECRET[1:],  # a Greek letter that looks like A
        "\uff21" + SECRET[1:],  # a full-width A
        "\u0661" + SECRET[1:],  # an Arabic digit
        "\ud800" + SECRET[1:],
        SECRET[:-1] + "9",
        AGENT,
    ],
    ids=ascii,
)
def test_a_malformed_token_is_no_session(text: str) -> None:
    with pytest.raises(InvalidSessionError, match=r"\AInvalid or expired session\Z"):
        SessionToken.parse(text)


@pytest.mark.parametrize("last", ALPHABET)
def test_bytes_are_spelled_one_way_only(last: str) -> None:
    text = SECRET[:-1] + last
    canonical = base64.urlsafe_b64encode(bytes_of(text)).decode().rstrip("=")

    if text == canonical:
        assert SessionToken.parse(text).secret == text
    else:
        with pytest.raises(InvalidSessionError):
            SessionToken.parse(text)


@given(st.one_of(st.text(st.characters(), max_size=60), st.text(ALPHABET, min_size=43, max_size=43)))
@settings(deadline=None)
def test_any_text_is_a_token_or_no_session(text: str) -> None:
    try:
        token = SessionToken.parse(text)
    except InvalidSessionError:
        return
    assert base64.urlsafe_b64encode(bytes_of(text)).decode() == text + "="
    assert token.secret == text


def test_one_other_character_is_another_session() -> None:
    secret = SessionToken.mint(AGENT).secret
    other = secret[:30] + ("A" if secret[30] != "A" else "B") + secret[31:]

    assert SessionToken.parse(other).session_id != SessionToken.parse(secret).session_id


@pytest.mark.parametrize("agent", ["", "Claude", AGENT[:-1]])
def test_no_token_is_made_for_what_is_no_agent(agent: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        SessionToken.mint(agent)


@pytest.mark.parametrize(
    "agent_id", ["AAAAAAAA-0000-4000-8000-000000000000", "{aaaaaaaa-0000-4000-8000-000000000000}", "7"]
)
def test_no_token_is_made_for_an_id_that_it_could_not_lead_back_to(agent_id: str) -> None:
    with pytest.raises(ValueError, match="UUID in lower case"):
        SessionToken.mint(agent_id)


@pytest.mark.parametrize("presented", [None, 7, b"k7Jq0m3oTfWb1Zl5pXcV9uYsR2hNdGaEiKtLwQzBxMA", ["token"]])
def test_what_is_not_even_text_is_no_token(presented: object) -> None:
    with pytest.raises(InvalidSessionError):
        SessionToken.parse(presented)
