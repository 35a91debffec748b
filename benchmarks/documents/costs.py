"""docs/costs.md: a worked bill, from the results of a run, the templates and the list prices."""

import json

from benchmarks.costs import bill, capacity
from benchmarks.costs.bill import monthly_bill, request_bill
from benchmarks.costs.prices import MILLION, PRICES, dollars
from benchmarks.costs.workload import DEFAULTS, SECONDS_A_MONTH, Workload, counts
from benchmarks.documents.markdown import render
from benchmarks.results import Results

FLEETS = (100, 10_000, 1_000_000)
ONE = Workload(agents=1)
EXAMPLE = Workload(agents=FLEETS[1])
PLOTTED = [round(10 ** (exponent / 10)) for exponent in range(10, 41)]  # agents


def document(results: Results) -> str:
    """Return the whole document."""
    operations = results["warm"]["operations"].items()
    bills = [monthly_bill(Workload(agents), DEFAULTS, results) for agents in FLEETS]
    usual = bills[1]
    known, new = (results["warm"]["operations"][f"sign in, {kind} agent"]["write_units"] for kind in ("known", "new"))
    halved = EXAMPLE._replace(validations_an_hour=EXAMPLE.validations_an_hour / 2)

    def effect(parameter: str, value: object) -> tuple[list[float], list[str]]:
        """Return what another value of a parameter adds to the bill of each fleet, and the lines that it changes."""
        fleets = [monthly_bill(Workload(agents), {**DEFAULTS, parameter: value}, results) for agents in FLEETS]
        added = [sum(changed.values()) - sum(bill.values()) for changed, bill in zip(fleets, bills, strict=True)]
        lines = [line for line in usual if abs(fleets[1][line] - usual[line]) >= 0.01]
        return added, lines

    return render(
        "costs.md.j2",
        date=results["date"],
        one=ONE,
        requests_of_one=sum(counts(ONE, DEFAULTS).values()),
        fleets=FLEETS,
        bills=bills,
        sign_in_units=(known, new),
        million_writes=dollars("write_unit", MILLION),
        operations={name: request_bill(each, MILLION, DEFAULTS) for name, each in operations},
        example=EXAMPLE,
        example_total=sum(usual.values()),
        effect=effect,
        halved_saves=sum(usual.values()) - sum(monthly_bill(halved, DEFAULTS, results).values()),
        provisioned_share=dollars("write_capacity_hour", 1) / 3600 / dollars("write_unit", 1),
        break_even_agents=capacity.break_even_agents(results),
        bill=bill,
        capacity=capacity,
        prices=PRICES.values(),
    )


def plot_input(results: Results) -> str:
    """Return the results and the curves of docs/performance/costs.svg as JSON."""
    fleets = [Workload(agents) for agents in PLOTTED]
    curves = {
        "agents": PLOTTED,
        "requests_per_second": sum(counts(ONE, DEFAULTS).values()) / SECONDS_A_MONTH,
        "total": [sum(monthly_bill(fleet, DEFAULTS, results).values()) for fleet in fleets],
        "on_demand": [capacity.on_demand(fleet, results) for fleet in fleets],
        "provisioned_even": [capacity.provisioned(fleet, results, 1) for fleet in fleets],
        "provisioned_peak": [capacity.provisioned(fleet, results, 3) for fleet in fleets],
        "break_even_agents": capacity.break_even_agents(results),
    }
    return json.dumps(results | {"costs": curves})
