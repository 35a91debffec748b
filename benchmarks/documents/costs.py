"""docs/costs.md: a worked bill, from what was measured, the template and the list prices."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks import results as of
from benchmarks.costs import prices
from benchmarks.costs.bill import ACCESS_LOG_BYTES, EVENT_BYTES, PLATFORM_LOG_BYTES, SAMPLED, Bill, Measured
from benchmarks.costs.capacity import UTILISATION, break_even_peak, even_load_break_even
from benchmarks.costs.workload import Deployment, Workload, requests
from benchmarks.documents import markdown
from benchmarks.results import Results

FLEETS = (100, 10_000, 1_000_000)
ONE = Workload(agents=1)
EXAMPLE = Workload(agents=10_000)

# A parameter of template.yaml at another value, and what else that changes.
CHANGES = (
    ("TouchIntervalSeconds=300", Deployment(touch_interval=300), "a session may end 5 minutes late"),
    ("LastSeenIntervalSeconds=3600", Deployment(last_seen_interval=3600), "an agent's last use is known to the hour"),
    ("SessionCacheSeconds=60", Deployment(session_cache=60), "a sign-out elsewhere is seen a minute late; at best"),
    ("ReportMinutes=15", Deployment(report_minutes=15), "the count of active agents is older"),
    ("MemoryMegabytes=1024", Deployment(memory=1024), "answers come sooner"),
    ("Architecture=x86_64", Deployment(architecture="x86_64"), "nothing"),
    ("LogLevel=WARNING", Deployment(log_level="WARNING"), "no line for each request"),
    ("LogRetentionDays=7", Deployment(log_days=7), "less to look back at"),
)


def document(results: Results) -> str:
    """Return the whole document."""
    measured = of.measured(results)
    introduction = (
        f"Worked out by `make bench` from the units and durations that it measured on {results['taken']} "
        "([performance.md](performance.md)), from what is in template.yaml, and from list prices of us-east-1, without "
        "any free tier."
    )
    parts = [
        "# Costs",
        introduction,
        *bills(measured),
        *single_requests(measured),
        *parameters(measured),
        *capacity(measured),
        *assumptions(),
        *sources(),
    ]
    return markdown.page(parts)


def bills(measured: Measured) -> Iterator[str]:
    """The bill of three fleets."""
    made = [Bill.of(Workload(agents=agents), Deployment(), measured) for agents in FLEETS]
    yield "## The bill of a month"
    yield (
        f"Each agent works {ONE.active_hours:g} hours a day and validates its token {ONE.validations_an_hour:g} times "
        f"an hour: {sum(requests(ONE, Deployment()).values()):,.0f} requests a month."
    )
    yield markdown.table(
        ["$ a month", *(f"{agents:,} agents" for agents in FLEETS)],
        [
            *([line, *(markdown.dollars(bill.lines[line]) for bill in made)] for line in made[0].lines),
            ["**all**", *(f"**{markdown.dollars(bill.total)}**" for bill in made)],
            ["an agent", *(f"{bill.total / agents:.3f}" for bill, agents in zip(made, FLEETS, strict=True))],
        ],
        right=1,
    )
    yield (
        "A stack answers 500 requests a second as it is set up (`ThrottleRate`) and a gateway 10,000, by AWS's "
        "default: a million agents that all work in the same hours need both raised."
    )


def single_requests(measured: Measured) -> Iterator[str]:
    """What a million requests of one kind cost."""
    rows = []
    for name, request in measured.operations.items():
        lines = {line: prices.MILLION * dollars for line, dollars in request.dollars(Deployment()).items()}
        rows.append(
            [
                name,
                *(
                    markdown.dollars(sum(dollars for line, dollars in lines.items() if line.startswith(service)))
                    for service in ("API Gateway", "Lambda", "DynamoDB", "")
                ),
            ]
        )
    yield "## A million requests"
    yield markdown.table(["$ a million", "API Gateway", "Lambda", "DynamoDB", "all"], rows, right=1)
    yield (
        "Logs, traces and what is sent come on top, as the bill shows. Another function of the account that validates "
        "in process pays DynamoDB alone."
    )


def parameters(measured: Measured) -> Iterator[str]:
    """What changes the bill."""
    usual = Bill.of(EXAMPLE, Deployment(), measured)
    rows = []
    for parameter, deployment, otherwise in CHANGES:
        bill = Bill.of(EXAMPLE, deployment, measured)
        changed = [line for line in bill.lines if abs(bill.lines[line] - usual.lines[line]) >= 0.01]
        rows.append([f"`{parameter}`", f"{bill.total - usual.total:+,.2f}", ", ".join(changed), otherwise])
    halved = replace(EXAMPLE, validations_an_hour=EXAMPLE.validations_an_hour / 2)
    saved = usual.total - Bill.of(halved, Deployment(), measured).total
    yield "## Which parameter changes what"
    yield f"For {EXAMPLE.agents:,} agents, of ${usual.total:,.0f} a month:"
    yield markdown.table(["parameter", "$ a month", "lines that change", "what else changes"], rows)
    yield f"Agents that validate half as often save ${saved:,.0f}: nothing else matters as much."


def capacity(measured: Measured) -> Iterator[str]:
    """On demand or provisioned."""
    used = prices.WRITE_CAPACITY_HOUR.of(1) / 3600 / prices.WRITE_UNIT.of(1)
    yield "## On demand or provisioned"
    yield "![Cost of a month by number of agents](performance/costs.svg)"
    yield (
        f"A provisioned unit that is used to the full costs {used:.0%} of what the same requests cost on demand, reads "
        f"as well as writes. Auto scaling keeps capacity at {UTILISATION:.0%} of use, so provisioned tables cost less "
        f"where the busiest hour has less than {break_even_peak():.1f} times the average load; at an even load, from "
        f"{even_load_break_even(measured):,} agents on. Agents that work the same {ONE.active_hours:g} hours of a day "
        f"are {24 / ONE.active_hours:g} times the average: on demand, which the template sets, costs less, and nobody "
        "has to scale anything."
    )


def assumptions() -> Iterator[str]:
    """What was not measured."""
    yield "## Assumptions"
    yield f"""\
- An agent signs in {ONE.sign_ins_a_day:g} time a day; {ONE.signed_out:.0%} of the sessions are signed out, the others
  expire and stay in the table for {ONE.expired_days:g} days; its owner looks it up {ONE.lookups_a_day:g} time a day.
- Validations are spread evenly over the hours of work, so each minute has one that touches.
- {ONE.cold_starts:.1%} of the requests start a function; Lambda bills the start as well (since August 2025).
- A processor of Lambda is as fast as one of the machine that measured, and a function has a share of it by its memory.
  DynamoDB answers as fast as the engine beside it did.
- Lambda's own log lines have {PLATFORM_LOG_BYTES} bytes a request, the gateway's access log {ACCESS_LOG_BYTES};
  CloudWatch adds {EVENT_BYTES} to each line. Kept logs are counted uncompressed.
- X-Ray records one request of each second and {SAMPLED:.0%} of the others; counted as if agents took turns around the
  clock, which is the most that it can be.
- Not counted: taxes, support, SQS, restores, and KMS, which DynamoDB asks for the key `aws/dynamodb` once in five
  minutes and connection."""


def sources() -> Iterator[str]:
    """Where each price was read."""
    yield "## List prices"
    yield markdown.table(
        ["what", "$", "in later tiers", "source", "its date"],
        [
            [
                each.unit,
                _exactly(each.tiers[0][1]),
                ", ".join(_exactly(dollars) for _, dollars in each.tiers[1:]),
                each.source if " " in each.source else f"<{each.source}>",
                each.date,
            ]
            for each in prices.ALL
        ],
    )


def _exactly(dollars: float) -> str:
    return f"{dollars:.10f}".rstrip("0").rstrip(".")
