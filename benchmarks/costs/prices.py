"""List prices, read from prices.toml."""

import tomllib
from pathlib import Path
from typing import NamedTuple

MILLION = 1_000_000


class Price(NamedTuple):
    """The list price of one unit, with its source and the date that the source gives."""

    unit: str
    tiers: list[tuple[float, float]]  # units in the tier, dollars of one unit; the last tier has no end
    source: str
    date: str


_TABLE = tomllib.loads(Path(__file__).with_name("prices.toml").read_text())
PRICES = {name: Price(**price) for name, price in _TABLE.items()}


def dollars(name: str, units: float) -> float:
    """Return the dollars of this many units in a month; raises KeyError if prices.toml has no such name."""
    total = 0.0
    for size, each in PRICES[name].tiers:
        total += min(units, size) * each
        units -= min(units, size)
    return total
