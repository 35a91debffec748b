"""Anything presented as a token is one, in its only spelling, or an invalid session."""

import binascii
import string
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.domain.identity import parse_id
from agent_sessions.domain.tokens import SessionToken
from agent_sessions.errors import InvalidSessionError
from tests.support.length import examples
from tests.support.tokens import raw_of, token_of, with_checksum

CASES = 3_000, 100_000

ALPHABET = string.ascii_letters + string.digits + "-_"
# Characters that other decoders take for one of the alphabet, or pass over.
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
    """Return a token with up to three characters replaced, inserted or left out."""
    text = draw(tokens)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.one_of(odd_characters, st.just(""))) + text[at + draw(st.integers(0, 1)) :]
    return text


presented = st.one_of(
    tokens,
    damaged(),
    st.text(ALPHABET, min_size=42, max_size=42).map(lambda text: with_checksum(f"ags_{text}A")),
    st.text(ALPHABET, min_size=42, max_size=44).map(lambda text: with_checksum(f"ags_{text}")),
    st.text(ALPHABET, min_size=52, max_size=54),
    st.text(st.characters(), max_size=100),
    tokens.map(lambda token: token * 200),
    anything,
)


def is_token(value: object) -> bool:
    """Whether a value is what the description makes of its bytes."""
    try:
        return isinstance(value, str) and token_of(raw_of(value)) == value
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return False


def test_anything_presented_is_a_token_or_an_invalid_session() -> None:
    results: Counter[str] = Counter()

    @examples(*CASES)
    @given(presented)
    def parse(value: object) -> None:
        try:
            token = SessionToken.parse(value)
        except InvalidSessionError:
            assert not is_token(value)
            results["refused"] += 1
        else:
            assert is_token(value)
            assert token.secret == value
            assert parse_id(token.agent_id) == token.agent_id
            assert parse_id(token.session_id) == token.session_id
            results["read"] += 1

    parse()

    assert results.total() >= CASES[0]
    assert min(results["read"], results["refused"]) >= results.total() // 10
