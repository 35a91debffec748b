"""Tokens are found in every form in which they can leak, and nothing else is taken for one."""

import base64
import itertools
import json
import random
import string
import uuid
from collections.abc import Callable
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_sessions.domain.tokens import SessionToken
from tests.guards import forms
from tests.guards.forms import Secrets
from tests.support.tokens import raw_of, token_of

AGENT = "4635ae41-c03a-534d-87c4-05465526a836"

type Form = Callable[[str], str]


def made(number: int) -> str:
    """Return a token that no service made; the same number returns the same token."""
    return token_of(uuid.UUID(AGENT).bytes + random.Random(number).randbytes(16))  # noqa: S311


def every_character_percent_encoded(text: str) -> str:
    return "".join(f"%{ord(character):02X}" for character in text)


def in_mixed_case(text: str) -> str:
    return "".join(character.upper() if place % 3 else character for place, character in enumerate(text))


def one_within_another(inner: Form, outer: Form) -> Form:
    return lambda token: outer(inner(token))


def of_bytes(form: Callable[[bytes], str], start: int) -> Form:
    return lambda token: form(raw_of(token)[start:])


ENCODINGS: dict[str, Form] = {
    "plain": lambda text: text,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode(),
    "hex": lambda text: text.encode().hex(),
    "hex in upper case": lambda text: text.encode().hex().upper(),
    "hex in mixed case": lambda text: in_mixed_case(text.encode().hex()),
    "percent": every_character_percent_encoded,
    "json": lambda text: json.dumps({"message": json.dumps({"text": text})}),
    "a header": lambda text: f"Authorization: Bearer {text}\r\n",
    "a URL": lambda text: f"https://api.example/sessions/current?token={quote(text, safe='')}&more=1",
}
# Of the bytes that a token stands for.
BYTES: dict[str, Callable[[bytes], str]] = {
    "base64": lambda raw: base64.b64encode(raw).decode(),
    "base64 behind a byte": lambda raw: base64.b64encode(b"\xff" + raw + b"\xfe").decode(),
    "base64 behind two bytes": lambda raw: base64.b64encode(b"\x00\xff" + raw + b"\xfe").decode(),
    "hex": lambda raw: raw.hex(),
    "hex with colons": lambda raw: raw.hex(":").upper(),
    "percent": quote_from_bytes,
    "repr": repr,
    "json": lambda raw: json.dumps(raw.decode("latin-1")),
    "text": lambda raw: raw.decode("latin-1"),
}
FORMS: dict[str, Form] = {
    "without its beginning": lambda token: token[26:],
    "without its checksum": lambda token: token[:47],
    "without its beginning and its checksum": lambda token: token[26:47],
    "base64 without its beginning": lambda token: base64.b64encode(token[26:].encode()).decode(),
    "a UUID of its secret": lambda token: str(uuid.UUID(bytes=raw_of(token)[16:])),
    **{
        f"{outer} of {inner}": one_within_another(ENCODINGS[inner], ENCODINGS[outer])
        for inner, outer in itertools.product(ENCODINGS, ENCODINGS)
    },
    **{f"{name} of its bytes": of_bytes(form, 0) for name, form in BYTES.items()},
    **{f"{name} of its secret": of_bytes(form, 16) for name, form in BYTES.items()},
}

TOKEN, UNKNOWN = made(1), made(2)


@pytest.fixture(scope="module")
def secrets() -> Secrets:
    """The token, and others."""
    secrets = Secrets()
    for token in (TOKEN, *map(made, range(3, 100))):
        secrets.remember(token)
    return secrets


@pytest.mark.parametrize("form", FORMS)
def test_token_is_found_in_every_form(secrets: Secrets, form: str) -> None:
    assert secrets.find(FORMS[form](TOKEN)) == TOKEN
    assert secrets.find(FORMS[form](TOKEN).encode("latin-1")) == TOKEN


SURROUNDINGS = st.text(st.sampled_from(string.ascii_letters + string.digits + '-_+/=%\\ "{:é'), max_size=12)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(before=SURROUNDINGS, after=SURROUNDINGS)
@example(before="0", after="0")
def test_token_is_found_amid_other_text(secrets: Secrets, encoding: str, before: str, after: str) -> None:
    assert secrets.find(before + ENCODINGS[encoding](TOKEN) + after) == TOKEN
    assert secrets.find(ENCODINGS[encoding](before + TOKEN + after)) == TOKEN


@pytest.mark.parametrize("form", BYTES)
@given(before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_token_bytes_are_found_amid_other_bytes(secrets: Secrets, form: str, before: bytes, after: bytes) -> None:
    assert secrets.find(BYTES[form](before + raw_of(TOKEN) + after)) == TOKEN


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_other_text_contains_no_token(secrets: Secrets, written: str | bytes) -> None:
    assert secrets.find(written) is None


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_public_parts_and_unknown_tokens_are_not_found(secrets: Secrets, encoding: str) -> None:
    token = SessionToken.parse(TOKEN)

    for public in (token.agent_id, token.session_id, TOKEN[:25], UNKNOWN, uuid.UUID(AGENT).hex, TOKEN[47:]):
        assert secrets.find(ENCODINGS[encoding](public)) is None


def test_clean_text_followed_by_a_token_is_searched_again(secrets: Secrets) -> None:
    line = "a-line-that-is-written-again-and-again"

    assert secrets.find(line) is None
    assert secrets.find(f"{line}-{TOKEN}") == TOKEN


def test_set_of_clean_runs_is_bounded(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "CLEAN_RUNS", 10)
    for number in range(100):
        assert secrets.find(f"a-line-that-is-written-once-{number}") is None

    assert len(secrets._clean) <= 10
