"""DynamoDB on demand beside provisioned capacity."""

import math

from benchmarks.costs.bill import Measured
from benchmarks.costs.prices import READ_CAPACITY_HOUR, READ_UNIT, WRITE_CAPACITY_HOUR, WRITE_UNIT
from benchmarks.costs.workload import HOURS_A_MONTH, SECONDS_A_MONTH, Deployment, Workload, requests

UTILISATION = 0.7  # the target of auto scaling, as AWS sets it
# Each table and the index is provisioned by itself, for one unit at least.
SMALLEST_READS, SMALLEST_WRITES = 3, 3


def on_demand(workload: Workload, measured: Measured) -> float:
    """Return the dollars of a month for the requests' reads and writes."""
    reads, writes = _units(workload, measured)
    return READ_UNIT.of(reads) + WRITE_UNIT.of(writes)


def provisioned(workload: Workload, measured: Measured, peak: float) -> float:
    """Return the dollars of a month for capacity that serves the busiest hour.

    Args:
        workload: What is asked.
        measured: What that takes.
        peak: The load of the busiest hour over the average.
    """
    reads, writes = (units / SECONDS_A_MONTH * peak / UTILISATION for units in _units(workload, measured))
    return HOURS_A_MONTH * (
        READ_CAPACITY_HOUR.of(max(SMALLEST_READS, math.ceil(reads)))
        + WRITE_CAPACITY_HOUR.of(max(SMALLEST_WRITES, math.ceil(writes)))
    )


def break_even_peak() -> float:
    """Return the load of the busiest hour, over the average, at which both cost the same."""
    return UTILISATION * 3600 * WRITE_UNIT.of(1) / WRITE_CAPACITY_HOUR.of(1)


def even_load_break_even(measured: Measured) -> int:
    """Return the number of agents, in steps of 10, from which on provisioned capacity costs less at an even load."""
    agents = 10
    while provisioned(Workload(agents=agents), measured, 1) > on_demand(Workload(agents=agents), measured):
        agents += 10
    return agents


def _units(workload: Workload, measured: Measured) -> tuple[float, float]:
    counts = requests(workload, Deployment())
    return (
        sum(count * measured.operations[name].read_units for name, count in counts.items()),
        sum(count * measured.operations[name].write_units for name, count in counts.items()),
    )
