"""`make dashboard`: the deployed dashboard, drawn from what the local service recorded."""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session

from tools import ROOT
from tools.dashboard.body import Metric, Widget, read_widgets
from tools.dashboard.draw import NO_DATA, Picture
from tools.dashboard.emulated import Clients, physical_ids, put_metrics
from tools.dashboard.series import DrawnLine, Reader
from tools.local import LocalError
from tools.local.emulator import Emulator, aws_environ
from tools.local.loopback import bypass_proxy
from tools.local.service import FOLDER, require_running
from tools.local.stack import STACK_NAME

PERIODS = (5, 10, 30, 60, 300)  # seconds
MAX_PERIODS = 80
MAX_SPAN = 3 * 3600  # seconds, the dashboard's own


def clients_of(emulator: Emulator) -> Clients:
    """Return a function that creates clients of an emulator's services."""
    session = botocore.session.get_session()
    environ = aws_environ(emulator.port)

    def client(service: str) -> Any:
        return session.create_client(
            service,
            region_name=environ["AWS_DEFAULT_REGION"],
            endpoint_url=environ["AWS_ENDPOINT_URL"],
            aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        )

    return client


def run_report(clients: Clients, stack_name: str) -> None:
    """Run the activity report now, instead of waiting for its schedule; raises LocalError if it fails."""
    name = physical_ids(clients, stack_name)["ReportFunction"]
    response = clients("lambda").invoke(FunctionName=name)
    if "FunctionError" in response:
        raise LocalError(f"the activity report failed: {response['Payload'].read().decode()}")


def periods(clients: Clients, widgets: Sequence[Widget]) -> tuple[range, int]:
    """Return the starts of the periods from the service's first metric until now, and the seconds of one."""
    own = {
        line.source.name: line.source
        for widget in widgets
        for line in widget.lines
        if isinstance(line.source, Metric) and not line.source.namespace.startswith("AWS/")
    }
    now = int(time.time())
    reader = Reader(clients("cloudwatch"), range(now - MAX_SPAN, now, 60), 60)
    first = min((at for metric in own.values() for at in reader.values(metric, "Sum")), default=now - 600)
    span = now - first + 60
    period = next((each for each in PERIODS if span / each <= MAX_PERIODS), PERIODS[-1])
    return range((first - period) // period * period, now + 1, period), period


def draw(emulator: Emulator, stack_name: str, to: Path, rows: int | None) -> dict[str, list[DrawnLine]]:
    """Draw the dashboard of a stack; return the lines of each widget by its title.

    Args:
        emulator: Where the stack is deployed.
        stack_name: The stack.
        to: The picture.
        rows: How many rows of widgets to draw; all if None.
    """
    clients = clients_of(emulator)
    cloudwatch = clients("cloudwatch")
    (described,) = clients("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
    run_report(clients, stack_name)
    put_metrics(clients, stack_name, emulator.folder / f"{stack_name}-metrics.json")
    widgets = read_widgets(cloudwatch.get_dashboard(DashboardName=outputs["DashboardName"])["DashboardBody"])
    tops = sorted({widget.y for widget in widgets})[:rows]
    widgets = [widget for widget in widgets if widget.y in tops]
    times, period = periods(clients, widgets)
    reader = Reader(cloudwatch, times, period)
    lines = {widget.title: reader.lines_of(widget) for widget in widgets if widget.kind == "metric"}
    alarms = {each["AlarmArn"]: each["StateValue"] for each in cloudwatch.describe_alarms()["MetricAlarms"]}
    heading = (
        f"{outputs['DashboardName']} on the local emulator, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, "
        f"{period} s per point. Requests and latencies come from the functions' logs."
    )
    Picture(heading, times[0], times[-1] + period, widgets, lines, alarms).save(to)
    return lines


def main() -> int:
    """Draw the dashboard, and print how many values each widget shows."""
    parser = argparse.ArgumentParser(prog="tools.dashboard", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the emulator runs")
    parser.add_argument("--stack-name", default=STACK_NAME, help=f"the stack ({STACK_NAME})")
    parser.add_argument("--to", type=Path, default=FOLDER / "dashboard.png", help="the picture")
    parser.add_argument("--rows", type=int, help="only the first rows of widgets")
    arguments = parser.parse_args()
    bypass_proxy()
    try:
        lines = draw(require_running(arguments.folder), arguments.stack_name, arguments.to, arguments.rows)
    except LocalError as error:
        print(f"make dashboard: {error}", file=sys.stderr)
        return 1
    for title, drawn in lines.items():
        values = sum(len(line.values) for line in drawn)
        print(f"{title:28} {f'{values} values' if values else NO_DATA}")
    picture = arguments.to.resolve()
    print(f"\nThe picture is {picture.relative_to(ROOT) if picture.is_relative_to(ROOT) else picture}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
