"""List prices of us-east-1 without any free tier, read from prices.csv."""

import csv
from pathlib import Path
from typing import NamedTuple

MILLION = 1_000_000


class Price(NamedTuple):
    """The list price of one unit, with its source and the date that the source gives."""

    unit: str
    tiers: list[tuple[float, float]]  # units in the tier, dollars of one unit; the last tier has no end
    source: str
    date: str


def _read() -> dict[str, Price]:
    """Read the file; its column of tiers is ``units: dollars; …; rest: dollars``."""
    prices = {}
    with Path(__file__).with_name("prices.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            tiers = [tier.split(": ") for tier in row["tiers"].replace("rest", "inf").split("; ")]
            sizes = [(float(size), float(dollars)) for size, dollars in tiers]
            prices[row["name"]] = Price(row["unit"], sizes, row["source"], row["date"])
    return prices


PRICES = _read()


def dollars(name: str, units: float) -> float:
    """Return the dollars of this many units in a month; raises KeyError if prices.csv has no such name."""
    total = 0.0
    for size, each in PRICES[name].tiers:
        total += min(units, size) * each
        units -= min(units, size)
    return total
