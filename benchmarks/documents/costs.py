"""docs/costs.md: a worked bill, from the results of a run, the templates and the list prices."""

import json

from benchmarks.costs import bill, capacity
from benchmarks.costs.bill import monthly_bill, request_bill
from benchmarks.costs.prices import MILLION, PRICES, dollars
from benchmarks.costs.workload import DEFAULTS, SECONDS_A_MONTH, Workload, counts
from benchmarks.documents.markdown import render
from benchmarks.results import Results
from benchmarks.service import OWNER

FLEETS = (100, 10_000, 1_000_000)
ONE = Workload(agents=1)
EXAMPLE = Workload(agents=FLEETS[1])
LARGEST = Workload(agents=FLEETS[-1])
GOAL = 57_000  # $ a month for the largest fleet
IAM_OWNER = "iam:arn:aws:sts::111122223333:assumed-role/agents"
PLOTTED = [round(10 ** (exponent / 10)) for exponent in range(10, 41)]  # agents


def document(results: Results) -> str:
    """Return the whole document."""
    operations = results["warm"]["operations"].items()
    bills = [monthly_bill(Workload(agents), DEFAULTS, results) for agents in FLEETS]
    usual = bills[1]
    known, new = (results["warm"]["operations"][f"sign in, {kind} agent"]["write_units"] for kind in ("known", "new"))
    largest, rest = bills[-1], monthly_bill(LARGEST._replace(validations_an_hour=0), DEFAULTS, results)
    largest_total = sum(largest.values())
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
        goal=GOAL,
        share=lambda service: sum(largest[line] for line in largest if line.startswith(service)) / largest_total,
        # Functions that validate with the layer make the same reads and writes, and nothing else.
        in_process=sum(amount if line.startswith("DynamoDB") else rest[line] for line, amount in largest.items()),
        owner=IAM_OWNER,
        owner_dollars=sum(monthly_bill(LARGEST, DEFAULTS, with_owner(results)).values()) - sum(largest.values()),
        halved_saves=sum(usual.values()) - sum(monthly_bill(halved, DEFAULTS, results).values()),
        provisioned_share=dollars("write_capacity_hour", 1) / 3600 / dollars("write_unit", 1),
        break_even_agents=capacity.break_even_agents(results),
        bill=bill,
        capacity=capacity,
        prices=PRICES.values(),
    )


def with_owner(results: Results) -> Results:
    """Return the results as they would be for a longer owner, which log lines and responses repeat."""
    longer = len(IAM_OWNER) - len(OWNER)
    more = {
        name: each | {figure: each[figure] + longer for figure in ("log_bytes", "body_bytes")}
        for name, each in results["warm"]["operations"].items()
    }
    return results | {"warm": results["warm"] | {"operations": more}}


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
