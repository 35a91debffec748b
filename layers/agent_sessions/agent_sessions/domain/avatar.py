"""Seeds from which clients draw the same avatar for the same identity."""

from functools import lru_cache

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


@lru_cache(maxsize=1024)  # a loop over every character, in each response about the same few agents
def avatar_seed(key: str) -> str:
    """Return 8 characters of base 36 that a JavaScript client computes alike from the identity key.

    In JavaScript: ``h = unit + ((h << 5) - h)`` over UTF-16 code units. There the shift is of
    32-bit integers while the sums are exact, because they stay below 2**53.
    """
    units = memoryview(key.encode("utf-16-le")).cast("H")
    seed = 0
    for unit in units:
        seed = unit + _int32(_int32(seed) << 5) - seed
    return _base36(abs(seed)).rjust(8, "0")[:8]


def _int32(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _BASE36[digit] + digits
    return digits
