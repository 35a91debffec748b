import base64
import hashlib
import itertools
import random
import re
import string
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from functools import reduce
from operator import and_, or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.domain.identity import parse_id
from agent_sessions.domain.tokens import TOKEN_PATTERN, SessionToken
from agent_sessions.errors import InvalidSessionError
from tests.support.tokens import base62, raw_of, token_of, with_checksum
from tools import ROOT

AGENT = "4635ae41-c03a-534d-87c4-05465526a836"
ALPHABET = string.ascii_letters + string.digits + "-_"
# Of the bytes 0 to 31, computed by a JavaScript engine.
SECRET = "ags_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh82zg5Kj"
HANDLE = "68be0e14-461c-843b-9957-5ea5d7acc3cb"

TOKENS = 10_000
# As docs/authentication.md has it.
SCANNER = re.compile(rf"\b{TOKEN_PATTERN}\b")


def is_refused(text: object) -> bool:
    try:
        SessionToken.parse(text)
    except InvalidSessionError:
        return True
    return False


def test_token_is_read_as_its_agent_and_handle() -> None:
    # Sessions are stored under this handle.
    token = SessionToken.parse(SECRET)

    assert token.agent_id == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert token.session_id == HANDLE
    assert token.secret == SECRET


def test_reference_makes_the_same_token() -> None:
    assert token_of(bytes(range(32))) == SECRET


@given(st.uuids())
def test_minted_token_reads_back_the_same(agent: uuid.UUID) -> None:
    minted = SessionToken.mint(str(agent))

    assert SessionToken.parse(minted.secret) == minted
    assert minted.agent_id == str(agent)
    assert token_of(raw_of(minted.secret)) == minted.secret


def test_token_is_53_characters_of_prefix_agent_randomness_and_checksum() -> None:
    secret = SessionToken.mint(AGENT).secret

    assert len(secret) == 53
    assert secret.startswith("ags_")
    assert set(secret) <= set(ALPHABET)
    assert raw_of(secret)[:16] == uuid.UUID(AGENT).bytes
    assert len(raw_of(secret)) == 32
    assert with_checksum(secret[:47]) == secret


def test_token_is_immutable() -> None:
    token = SessionToken.mint(AGENT)

    with pytest.raises(FrozenInstanceError):
        token.agent_id = AGENT  # type: ignore[misc]


def test_minted_tokens_are_unique() -> None:
    minted = [SessionToken.mint(AGENT) for _ in range(1000)]

    assert len({token.secret for token in minted}) == 1000
    assert len({token.session_id for token in minted}) == 1000


def test_each_of_128_bits_varies() -> None:
    drawn = [int.from_bytes(raw_of(SessionToken.mint(AGENT).secret)[16:]) for _ in range(200)]

    assert reduce(or_, drawn) == 2**128 - 1
    assert reduce(and_, drawn) == 0


# -- handles


def test_handle_is_a_uuid_of_version_8() -> None:
    handles = [uuid.UUID(SessionToken.mint(AGENT).session_id) for _ in range(40)]

    assert {(handle.version, handle.variant) for handle in handles} == {(8, uuid.RFC_4122)}


def test_handle_is_the_sha_256_of_the_token_but_for_6_bits() -> None:
    for _ in range(40):
        token = SessionToken.mint(AGENT)
        digest = int.from_bytes(hashlib.sha256(token.secret.encode()).digest()[:16])
        version_and_variant = 0xF << 76 | 0b11 << 62

        assert (uuid.UUID(token.session_id).int ^ digest) & ~version_and_variant == 0


def test_handle_reveals_nothing_of_the_token() -> None:
    token = SessionToken.mint(AGENT)

    assert parse_id(token.session_id) == token.session_id
    assert uuid.UUID(token.session_id).bytes not in raw_of(token.secret)


def test_secret_is_never_in_repr() -> None:
    token = SessionToken.mint(AGENT)

    for shown in (repr(token), str(token), f"{token}", repr([token]), repr({"token": token})):
        assert token.session_id in shown
        assert token.secret not in shown
        assert token.secret[26:47] not in shown
        assert "secret" not in shown


# -- malformed tokens


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "A",
        "ags_",
        SECRET[:-1],
        SECRET[1:],
        SECRET[4:],
        SECRET[:47],
        SECRET[4:47],
        SECRET + "8",
        SECRET * 2,
        SECRET + "=",
        SECRET + "\n",
        SECRET[:-1] + "\n",
        SECRET + " ",
        " " + SECRET,
        "Bearer " + SECRET,
        "AGS_" + SECRET[4:],
        "agt_" + SECRET[4:],
        "ags-" + SECRET[4:],
        with_checksum("agt_" + SECRET[4:47]),
        SECRET.upper(),
        SECRET.lower(),
        SECRET.swapcase(),
        *(SECRET[:4] + character + SECRET[5:] for character in "+/.\x00\u0391\uff21\u0661\ud800"),
        SECRET[:-1] + "\u0661",
        with_checksum(SECRET[:46] + "9"),
        SECRET[:47] + "zzzzzz",
        SECRET[:47] + "000000",
        SECRET[:47] + SECRET[48:] + "0",
        AGENT,
        None,
        7,
        SECRET.encode(),
        [SECRET],
    ],
    ids=ascii,
)
def test_malformed_token_is_an_invalid_session(text: object) -> None:
    with pytest.raises(InvalidSessionError, match=r"\AInvalid or expired session\Z"):
        SessionToken.parse(text)


@pytest.mark.parametrize("last", ALPHABET)
def test_bytes_have_one_spelling_only(last: str) -> None:
    text = with_checksum(SECRET[:46] + last)
    canonical = base64.urlsafe_b64encode(raw_of(text)).decode().rstrip("=")

    assert is_refused(text) == (text[4:47] != canonical)


@pytest.mark.parametrize("number", [0, 1, 61, 62, 2**32 - 1])
def test_checksum_is_padded_and_begins_with_0_to_4(number: int) -> None:
    digits = base62(number)

    assert re.fullmatch("[0-4][0-9A-Za-z]{5}", digits)
    assert sum(string_digit(digit) * 62**place for place, digit in enumerate(reversed(digits))) == number


def string_digit(digit: str) -> int:
    return (string.digits + string.ascii_uppercase + string.ascii_lowercase).index(digit)


@pytest.mark.parametrize(
    "agent_id",
    ["", "Claude", AGENT[:-1], AGENT.upper(), "{aaaaaaaa-0000-4000-8000-000000000000}", "7"],
)
def test_mint_refuses_an_id_that_is_not_a_uuid_in_lower_case(agent_id: str) -> None:
    with pytest.raises(ValueError, match="UUID in lower case"):
        SessionToken.mint(agent_id)


# -- secret scanners


def replaced(rng: random.Random, token: str) -> str:
    place = rng.randrange(len(token))
    return token[:place] + rng.choice([each for each in ALPHABET if each != token[place]]) + token[place + 1 :]


def swapped(rng: random.Random, token: str) -> str:
    place = rng.choice([place for place, (one, next_one) in enumerate(itertools.pairwise(token)) if one != next_one])
    return token[:place] + token[place + 1] + token[place] + token[place + 2 :]


def shortened(rng: random.Random, token: str) -> str:
    place = rng.randrange(len(token))
    return token[:place] + token[place + 1 :]


def lengthened(rng: random.Random, token: str) -> str:
    place = rng.randrange(len(token) + 1)
    return token[:place] + rng.choice(ALPHABET) + token[place:]


def in_other_case(rng: random.Random, token: str) -> str:
    place = rng.choice([place for place, character in enumerate(token) if character.isalpha()])
    return token[:place] + token[place].swapcase() + token[place + 1 :]


def with_other_checksum(rng: random.Random, token: str) -> str:
    checksum = base62(rng.getrandbits(32))
    return token[:47] + (checksum if checksum != token[47:] else "000000")


NEAR_MISSES: list[Callable[[random.Random, str], str]] = [
    replaced,
    swapped,
    shortened,
    lengthened,
    in_other_case,
    with_other_checksum,
]


def test_pattern_finds_10000_tokens_among_other_text() -> None:
    surroundings = itertools.cycle(
        ["{}", "Bearer {}", '{{"session_token": "{}"}}', "?t={}&x=1", "export T={}\n", "'{}'"]
    )
    secrets = [SessionToken.mint(str(uuid.UUID(int=number * 2**90 + number))).secret for number in range(TOKENS)]
    text = "\n".join(next(surroundings).format(secret) for secret in secrets)

    assert SCANNER.findall(text) == secrets


def test_10000_near_misses_are_refused_by_pattern_or_checksum() -> None:
    rng = random.Random(62)  # noqa: S311
    refused_by: Counter[tuple[str, str]] = Counter()
    for make_near_miss in itertools.islice(itertools.cycle(NEAR_MISSES), TOKENS):
        near_miss = make_near_miss(rng, token_of(rng.randbytes(32)))

        assert is_refused(near_miss), near_miss
        by = "checksum" if re.fullmatch(TOKEN_PATTERN, near_miss) else "pattern"
        refused_by[make_near_miss.__name__, by] += 1

    assert refused_by.total() == TOKENS
    for kind in ("replaced", "swapped", "in_other_case"):
        assert min(refused_by[kind, "pattern"], refused_by[kind, "checksum"]) > 50
    assert refused_by["shortened", "checksum"] == refused_by["lengthened", "checksum"] == 0
    assert refused_by["with_other_checksum", "pattern"] == 0


def test_documented_pattern_is_the_pattern() -> None:
    document = (ROOT / "docs" / "authentication.md").read_text()

    assert SCANNER.pattern in document
    assert "CRC-32" in document
    assert SCANNER.findall(document) == [SECRET]
