"""Figures that were taken several times, and what they say together."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some figures, and how far they lie apart: the noise of the machine."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> Self:
        """Return the minimum, the median and the maximum."""
        figures = sorted(figures)
        return cls(figures[0], statistics.median(figures), figures[-1])


def ratio(ours: Sequence[float], base: Sequence[float]) -> Spread:
    """Return how often ``base`` fits into ``ours``, round by round: each round saw the same machine."""
    return Spread.of(one / other for one, other in zip(ours, base, strict=True))


def interleaved[Figure](rounds: int, cases: Mapping[str, Callable[[], Figure]]) -> dict[str, list[Figure]]:
    """Take every case once in each round, so that a busy moment of the machine meets them all.

    A first round goes uncounted: it fills the caches of the disk and of the interpreter.
    """
    figures: dict[str, list[Figure]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, take in cases.items():
            figure = take()
            if number:
                figures[name].append(figure)
    return figures
