"""docs/costs.md: a worked bill, from the results of a run, the templates and the list prices."""

import json

from benchmarks import Results
from benchmarks.costs import bill, capacity
from benchmarks.costs.prices import MILLION, PRICES, dollars
from benchmarks.costs.workload import DEFAULTS, SECONDS_A_MONTH, Workload, counts
from benchmarks.documents.markdown import render

FLEETS = (100, 10_000, 1_000_000)
ONE, EXAMPLE, LARGEST = Workload(agents=1), Workload(agents=FLEETS[1]), Workload(agents=FLEETS[-1])
GOAL = 57_000  # $ a month for the largest fleet
IAM_OWNER = "iam:arn:aws:sts::111122223333:assumed-role/agents"
PLOTTED = [round(10 ** (exponent / 10)) for exponent in range(10, 41)]  # agents


def document(results: Results) -> str:
    """Return the whole document."""

    def bill_of(workload: Workload, **parameters: object) -> dict[str, float]:
        return bill.monthly_bill(workload, {**DEFAULTS, **parameters}, results)

    def total(workload: Workload, **parameters: object) -> float:
        return sum(bill_of(workload, **parameters).values())

    def effect(**parameter: object) -> tuple[list[float], list[str]]:
        """Return what another value of a parameter adds to the bill of each fleet, and the lines that it changes."""
        usual, changed = bill_of(EXAMPLE), bill_of(EXAMPLE, **parameter)
        added = [total(Workload(agents), **parameter) - total(Workload(agents)) for agents in FLEETS]
        return added, [line for line in usual if abs(changed[line] - usual[line]) >= 0.01]

    operations = results["warm"]["operations"]
    largest, unvalidated = bill_of(LARGEST), bill_of(LARGEST._replace(validations_an_hour=0))
    return render(
        "costs.md.j2",
        date=results["date"],
        one=ONE,
        requests_of_one=sum(counts(ONE, DEFAULTS).values()),
        fleets=FLEETS,
        bills=[bill_of(Workload(agents)) for agents in FLEETS],
        sign_in_units=[operations[f"sign in, {kind} agent"]["write_units"] for kind in ("known", "new")],
        million_writes=dollars("write_unit", MILLION),
        operations={name: bill.request_bill(each, MILLION, DEFAULTS) for name, each in operations.items()},
        example=EXAMPLE,
        example_total=total(EXAMPLE),
        effect=effect,
        goal=GOAL,
        share=lambda service: sum(largest[line] for line in largest if line.startswith(service)) / total(LARGEST),
        # Functions that validate with the layer make the same reads and writes, and nothing else.
        in_process=sum(largest[line] if line.startswith("DynamoDB") else unvalidated[line] for line in largest),
        owner=IAM_OWNER,
        owner_dollars=total(LARGEST._replace(owner=IAM_OWNER)) - total(LARGEST),
        halved_saves=total(EXAMPLE) - total(EXAMPLE._replace(validations_an_hour=EXAMPLE.validations_an_hour / 2)),
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
        "total": [sum(bill.monthly_bill(fleet, DEFAULTS, results).values()) for fleet in fleets],
        "on_demand": [capacity.on_demand(fleet, results) for fleet in fleets],
        "provisioned_even": [capacity.provisioned(fleet, results, 1) for fleet in fleets],
        "provisioned_peak": [capacity.provisioned(fleet, results, 3) for fleet in fleets],
        "break_even_agents": capacity.break_even_agents(results),
    }
    return json.dumps(results | {"costs": curves})
