import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_sessions.domain.avatar import avatar_seed
from agent_sessions.domain.identity import MAX_IDENTITY_KEY_BYTES

# Printed by a JavaScript engine.
VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "data" / "identity_vectors.json").read_text())
VECTOR_IDS = [vector["identity_key"][:30].encode("ascii", "replace").decode() for vector in VECTORS]

ROBOT = "\U0001f916"


def javascript_seed(key: str) -> str:
    number = 0.0
    for unit in utf16_units(key):
        as_int32 = signed_32_bits(int(number))
        shifted = signed_32_bits(as_int32 << 5)
        number = float(unit) + float(shifted) - number
    whole = abs(int(number))
    digits = []
    for _ in range(12):
        digits.append("0123456789abcdefghijklmnopqrstuvwxyz"[whole % 36])
        whole //= 36
    text = "".join(reversed(digits)).lstrip("0")
    return ("0" * (8 - len(text)) + text)[:8]


def signed_32_bits(number: int) -> int:
    bits = number & 0xFFFFFFFF
    return bits - 0x100000000 if bits & 0x80000000 else bits


def utf16_units(text: str) -> list[int]:
    units = []
    for point in map(ord, text):
        if point > 0xFFFF:
            units += [0xD800 + ((point - 0x10000) >> 10), 0xDC00 + ((point - 0x10000) & 0x3FF)]
        else:
            units.append(point)
    return units


@pytest.mark.parametrize("vector", VECTORS, ids=VECTOR_IDS)
def test_seed_equals_the_vector(vector: dict[str, Any]) -> None:
    assert avatar_seed(vector["identity_key"]) == vector["avatar_seed"]


@pytest.mark.parametrize("vector", VECTORS, ids=VECTOR_IDS)
def test_reference_equals_the_vector(vector: dict[str, Any]) -> None:
    assert javascript_seed(vector["identity_key"]) == vector["avatar_seed"]


@given(st.text(max_size=MAX_IDENTITY_KEY_BYTES))
@example("\uffff" * 680)
@example(ROBOT * 300)
@example("x" * MAX_IDENTITY_KEY_BYTES)
def test_seed_equals_the_reference(key: str) -> None:
    assert avatar_seed(key) == javascript_seed(key)


@pytest.mark.parametrize(("key", "seed"), [("", "00000000"), ("\x01", "00000001"), ("z", "0000003e")])
def test_short_seed_is_padded_with_zeros(key: str, seed: str) -> None:
    assert avatar_seed(key) == seed
