"""The deployed dashboard shows what the service recorded."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Api, let_report_put_metrics, wait_for
from tools import ROOT
from tools.dashboard.body import Metric, Widget, read_widgets
from tools.dashboard.emulated import put_metrics
from tools.dashboard.series import Reader
from tools.local.emulator import Emulator

# No call to the database fails here; tests/integration/test_metrics.py lets some.
NEVER_HERE = {"TouchFailures", "EndFailures", "SweepFailures", "DatabaseErrors"}
DAY = 24 * 3600


@pytest.fixture
def widgets(isolated: Api, aws: Callable[[str], Any]) -> list[Widget]:
    name = isolated.outputs["DashboardName"]
    return read_widgets(aws("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"])


@pytest.fixture
def put(isolated: Api, aws: Callable[[str], Any], emulator: Emulator) -> Callable[[], int]:
    """Puts the metrics of everything logged since the last call."""
    return lambda: put_metrics(aws, "isolated", emulator.folder / "isolated-metrics.json")


@pytest.fixture
def read(aws: Callable[[str], Any]) -> Callable[[Metric, str], list[float]]:
    """Reads a metric of today and tomorrow, one value a day."""
    today = int(time.time()) // DAY * DAY
    reader = Reader(aws("cloudwatch"), (today, today + DAY), DAY)
    return lambda metric, stat: list(reader.values(metric, stat).values())


def own(name: str) -> Metric:
    return Metric("AgentSessions", name, frozenset({("service", "isolated")}))


def use(api: Api) -> None:
    """Make one request of every kind that normal use has."""
    token = api.sign_in("Isolated").body["session_token"]
    api.sign_in("Isolated")

    def is_touched() -> bool | None:
        session = api.validate(token).body
        return session["last_active"] > session["created_at"] or None

    wait_for(is_touched)
    api.sign_out(token)
    api.validate(token)


def test_every_widget_shows_its_metrics(
    isolated: Api,
    widgets: list[Widget],
    put: Callable[[], int],
    read: Callable[[Metric, str], list[float]],
    aws: Callable[[str], Any],
) -> None:
    use(isolated)
    let_report_put_metrics(aws, isolated.outputs["ReportFunctionName"])
    assert "FunctionError" not in aws("lambda").invoke(FunctionName=isolated.outputs["ReportFunctionName"])
    put()

    drawn = [(line.source, line.stat) for widget in widgets for line in widget.lines]
    shown = {source.name for source, _ in drawn if not isinstance(source, str)}
    seen = {source.name for source, stat in drawn if isinstance(source, Metric) and read(source, stat)}
    # The emulator throttles nothing, and its dead-letter queue refuses nothing.
    assert shown - seen == NEVER_HERE | {"ReadThrottleEvents", "WriteThrottleEvents", "DestinationDeliveryFailures"}


def test_log_line_counts_once(
    isolated: Api, put: Callable[[], int], read: Callable[[Metric, str], list[float]]
) -> None:
    put()
    before = sum(read(own("SignIns"), "Sum"))
    for _ in range(3):
        isolated.sign_in("Counted")

    assert put() > 3
    assert put() == 1  # the length of the queue, which is a level
    assert sum(read(own("SignIns"), "Sum")) == before + 3


def test_requests_are_counted_by_route(
    isolated: Api, put: Callable[[], int], widgets: list[Widget], aws: Callable[[str], Any]
) -> None:
    agent_id = isolated.sign_in("Routed").body["agent_id"]
    isolated.agent(agent_id)
    put()
    now = int(time.time())
    reader = Reader(aws("cloudwatch"), range(now - 3600, now + 60, 60), 60)

    (widget,) = [each for each in widgets if each.title == "p99 of each route, ms"]
    assert {"POST /sessions", "GET /agents/{agent_id}"} <= {line.label for line in reader.lines_of(widget)}


def draw(emulator: Emulator, *options: str | Path) -> dict[str, str]:
    """Draw the picture; return what the command prints of each widget, by title."""
    command: list[str | Path] = [ROOT / ".envs/plot/bin/python", "-W", "error", "-m", "tools.dashboard"]
    command += ["--folder", emulator.folder, "--stack-name", "isolated", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
    return {line[:28].strip(): line[28:].strip() for line in done.stdout.partition("\n\n")[0].splitlines()}


def test_picture_has_every_widget(
    isolated: Api, widgets: list[Widget], emulator: Emulator, aws: Callable[[str], Any], tmp_path: Path
) -> None:
    use(isolated)
    let_report_put_metrics(aws, isolated.outputs["ReportFunctionName"])
    picture = tmp_path / "dashboard.png"

    drawn = draw(emulator, "--to", picture)

    assert drawn.keys() == {widget.title for widget in widgets if widget.kind == "metric"}
    for title, values in drawn.items():
        assert values.endswith("no data on the emulator" if title == "Table throttles" else "values"), title
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000


def test_rows_option_draws_only_the_first_rows(
    isolated: Api, widgets: list[Widget], emulator: Emulator, aws: Callable[[str], Any], tmp_path: Path
) -> None:
    let_report_put_metrics(aws, isolated.outputs["ReportFunctionName"])

    drawn = draw(emulator, "--to", tmp_path / "crop.png", "--rows", "1")

    assert drawn.keys() == {widget.title for widget in widgets if widget.y == 0 and widget.kind == "metric"}
