"""DynamoDB on demand compared with provisioned capacity."""

import math
from itertools import count

from benchmarks import Results
from benchmarks.costs.prices import dollars
from benchmarks.costs.workload import DEFAULTS, HOURS_A_MONTH, SECONDS_A_MONTH, Workload, consumed

UTILISATION = 0.7  # the default target of auto scaling
MINIMUM_UNITS = 3  # two tables and an index, each provisioned with at least one unit


def on_demand(workload: Workload, results: Results) -> float:
    """Return the dollars a month for the reads and writes of the requests."""
    return sum(dollars(unit, consumed(f"{unit}s", workload, DEFAULTS, results)) for unit in ("read_unit", "write_unit"))


def provisioned(workload: Workload, results: Results, peak: float) -> float:
    """Return the dollars a month for capacity that serves a busiest hour of ``peak`` times the average load."""
    scale = peak / UTILISATION / SECONDS_A_MONTH
    used = (consumed(units, workload, DEFAULTS, results) for units in ("read_units", "write_units"))
    reads, writes = (max(MINIMUM_UNITS, math.ceil(units * scale)) for units in used)
    return HOURS_A_MONTH * (dollars("read_capacity_hour", reads) + dollars("write_capacity_hour", writes))


def break_even_peak() -> float:
    """Return the ratio of busiest hour to average load at which both modes cost the same."""
    return UTILISATION * 3600 * dollars("write_unit", 1) / dollars("write_capacity_hour", 1)


def break_even_agents(results: Results) -> int:
    """Return the fleet size, in steps of 10, from which provisioned capacity costs less at an even load."""
    fleets = map(Workload, count(10, 10))
    return next(each.agents for each in fleets if provisioned(each, results, 1) <= on_demand(each, results))
