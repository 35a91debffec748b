"""Repeated measurements and their spread."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Self


class Spread(NamedTuple):
    """Minimum, median and maximum of a sample; the distance between them is the machine's noise."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, sample: Iterable[float]) -> Self:
        """Return the spread of a sample."""
        ordered = sorted(sample)
        return cls(ordered[0], statistics.median(ordered), ordered[-1])


def ratio(sample: Sequence[float], base: Sequence[float]) -> Spread:
    """Return the spread of ``sample`` ÷ ``base``, round by round: both sides of a round saw the same machine."""
    return Spread.of(one / other for one, other in zip(sample, base, strict=True))


def interleaved[Case, Figure](rounds: int, cases: Mapping[Case, Callable[[], Figure]]) -> dict[Case, list[Figure]]:
    """Measure every case once in each round, so that a busy moment of the machine affects all of them.

    The first round is discarded: it fills the caches of the disk and of the interpreter.
    """
    figures: dict[Case, list[Figure]] = {case: [] for case in cases}
    for number in range(rounds + 1):
        for case, measure in cases.items():
            figure = measure()
            if number:
                figures[case].append(figure)
    return figures


def timed(actions: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """Run the actions in a row; return the CPU and the wall seconds of one."""
    cpu, wall = time.process_time(), time.perf_counter()
    for action in actions:
        action()
    return (time.process_time() - cpu) / len(actions), (time.perf_counter() - wall) / len(actions)


def interleaved_times[Case](
    rounds: int, cases: Mapping[Case, Callable[[], tuple[float, float]]]
) -> dict[Case, dict[str, list[float]]]:
    """Measure what ``timed`` returns of every case in turns; return a sample of CPU and one of wall seconds."""
    taken = interleaved(rounds, cases).items()
    return {case: {"cpu": [cpu for cpu, _ in each], "wall": [wall for _, wall in each]} for case, each in taken}
