"""Whatever is presented as a token is one, spelt the one way, or no session."""

import base64
import binascii
import string
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.domain.identity import parse_id
from agent_sessions.domain.tokens import SessionToken
from agent_sessions.errors import InvalidSessionError
from tests.support.length import examples

CASES = 3_000, 100_000

ALPHABET = string.ascii_letters + string.digits + "-_"
# Characters that other decoders take for one of the alphabet, or pass over.
LOOKALIKES = (
    "+/=.~ \t\r\n\x00\x7f\x85\xa0\xad\u0391\u0661\u200b\u2010\u2028\u202e\ufeff\uff21\uff3f\ud800\udfff\U0001d400"
)

tokens = st.binary(min_size=32, max_size=32).map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="))
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
    st.text(ALPHABET, min_size=42, max_size=44),
    st.text(st.characters(), max_size=100),
    tokens.map(lambda token: token * 200),
    anything,
)


def is_token(value: object) -> bool:
    """Whether a value is 32 bytes in the base64url that an encoder writes, without its padding."""
    try:
        text = value.encode("ascii") + b"="  # type: ignore[attr-defined]
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (AttributeError, UnicodeEncodeError, binascii.Error):
        return False
    return len(raw) == 32 and base64.urlsafe_b64encode(raw) == text


def test_whatever_is_presented_is_a_token_or_no_session() -> None:
    told: Counter[str] = Counter()

    @examples(*CASES)
    @given(presented)
    def parse(value: object) -> None:
        try:
            token = SessionToken.parse(value)
        except InvalidSessionError:
            assert not is_token(value)
            told["refused"] += 1
        else:
            assert is_token(value)
            assert token.secret == value
            assert parse_id(token.agent_id) == token.agent_id
            assert parse_id(token.session_id) == token.session_id
            told["read"] += 1

    parse()

    assert told.total() >= CASES[0]
    assert min(told["read"], told["refused"]) >= told.total() // 10
