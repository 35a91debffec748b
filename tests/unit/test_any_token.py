"""Any value is a token, in its only spelling, or an invalid session."""

import binascii
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.domain.identity import parse_id
from agent_sessions.domain.tokens import SessionToken
from agent_sessions.errors import InvalidSessionError
from tests.support.length import examples
from tests.support.tokens import raw_of, token_of, with_checksum

CASES = 1_000, 100_000

ALPHABET = string.ascii_letters + string.digits + "-_"
# Characters that other decoders treat as one of the alphabet, or skip.
LOOKALIKES = (
    "+/=.~ \t\r\n\x00\x7f\x85\xa0\xad\u0391\u0661\u200b\u2010\u2028\u202e\ufeff\uff21\uff3f\ud800\udfff\U0001d400"
)

tokens = st.binary(min_size=32, max_size=32).map(token_of)
odd_characters = st.one_of(st.sampled_from(LOOKALIKES), st.sampled_from(ALPHABET), st.characters())
anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.binary(max_size=60), st.lists(tokens, max_size=2)
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Return a token with up to three characters replaced, inserted or removed."""
    text = draw(tokens)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.one_of(odd_characters, st.just(""))) + text[at + draw(st.integers(0, 1)) :]
    return text


presented = st.one_of(
    damaged(),
    st.text(ALPHABET, min_size=42, max_size=42).map(lambda text: with_checksum(f"ags_{text}A")),
    st.text(ALPHABET, min_size=42, max_size=44).map(lambda text: with_checksum(f"ags_{text}")),
    st.text(ALPHABET, min_size=52, max_size=54),
    st.text(st.characters(), max_size=100),
    tokens.map(lambda token: token * 200),
    anything,
)


def is_token(value: object) -> bool:
    """Whether a value equals the token that the description gives its bytes."""
    try:
        return isinstance(value, str) and token_of(raw_of(value)) == value
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return False


def check_token(text: object) -> None:
    """Fail unless a text is parsed as a token with canonical ids."""
    token = SessionToken.parse(text)

    assert token.secret == text
    assert parse_id(token.agent_id) == token.agent_id
    assert parse_id(token.session_id) == token.session_id


@pytest.mark.slow
@examples(*CASES)
@given(tokens)
def test_well_formed_token_is_parsed(text: str) -> None:
    check_token(text)


@pytest.mark.slow
@examples(*CASES)
@given(presented)
def test_any_value_is_a_token_or_an_invalid_session(value: object) -> None:
    if is_token(value):
        check_token(value)
    else:
        with pytest.raises(InvalidSessionError):
            SessionToken.parse(value)
