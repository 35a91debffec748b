"""Drawing widgets into one picture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tools.dashboard.body import COLUMNS, Widget
from tools.dashboard.series import Drawn

NO_DATA = "no data on the emulator"

COLUMN, ROW = 0.74, 0.46  # inches
LEGEND_ROW = 0.17  # inches
COLORS = {"OK": "#2e8b57", "ALARM": "#c8102e", "INSUFFICIENT_DATA": "#8a8f98"}
PALE, GREY = "#d8dbe0", "#6b7078"

mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.edgecolor": GREY, "grid.alpha": 0.3})


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn: widgets at their places, from one time to another.

    Args:
        heading: The line at the top.
        start: Epoch seconds, at the left of every graph.
        end: Epoch seconds, at the right of every graph.
        widgets: The widgets.
        lines: The lines of each widget, by its title.
        alarms: The state of each alarm that there is, by its ARN.
    """

    heading: str
    start: int
    end: int
    widgets: Sequence[Widget]
    lines: Mapping[str, Sequence[Drawn]]
    alarms: Mapping[str, str]

    def save(self, to: Path) -> None:
        """Write a PNG."""
        width = COLUMNS * COLUMN
        height = (max(widget.y + widget.height for widget in self.widgets) + 1) * ROW
        figure = Figure(figsize=(width, height), facecolor="white")
        figure.text(0.2 / width, 1 - 0.55 * ROW / height, self.heading, fontsize=11, va="center")
        for widget in self.widgets:
            lines = self.lines.get(widget.title, ())
            columns, rows = _legend_grid(widget, lines)
            left, top = widget.x * COLUMN + 0.5, height - (widget.y + 1) * ROW - 0.3
            bottom = height - (widget.y + 1 + widget.height) * ROW + 0.35 + rows * LEGEND_ROW
            inner = widget.width * COLUMN - 0.95
            axes = figure.add_axes((left / width, bottom / height, inner / width, (top - bottom) / height))
            axes.set_title(widget.title, loc="left", fontsize=10, fontweight="bold")
            if widget.kind == "alarm":
                _alarms(axes, widget.alarms, self.alarms)
            elif not any(line.values for line in lines):
                axes.set_axis_off()
                axes.text(0.5, 0.5, NO_DATA, ha="center", va="center", color=GREY, fontsize=11)
            elif widget.properties.get("view") == "singleValue":
                _numbers(axes, lines)
            else:
                self._graph(axes, lines, widget, columns)
        figure.savefig(to, dpi=100)

    def _graph(self, axes: Axes, lines: Sequence[Drawn], widget: Widget, columns: int) -> None:
        sides = {"left": axes} | ({"right": axes.twinx()} if any(line.on_the_right for line in lines) else {})
        handles = []
        for number, line in enumerate(lines):
            times = [datetime.fromtimestamp(time, UTC) for time in line.values]
            label = line.label if line.values else f"{line.label} (no data)"
            side = sides["right" if line.on_the_right else "left"]
            handles += side.plot(
                times,
                list(line.values.values()),
                ".-",
                color=f"C{number}",
                label=label,
                linewidth=1,
                markersize=4,
                clip_on=False,
            )
        for name, side in sides.items():
            limits = widget.properties.get("yAxis", {}).get(name, {})
            values = [
                value for line in lines if line.on_the_right == (name == "right") for value in line.values.values()
            ]
            side.set_ylim(limits.get("min"), limits.get("max", 1.1 * max([1.0, *values])))
            side.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=all(value.is_integer() for value in values)))
        axes.set_xlim(datetime.fromtimestamp(self.start, UTC), datetime.fromtimestamp(self.end, UTC))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M:%S" if self.end - self.start < 300 else "%H:%M"))
        axes.grid(visible=True)
        below = -0.28 / axes.get_position().height / axes.figure.get_figheight()
        axes.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(0, below),
            ncols=columns,
            fontsize=7.5,
            frameon=False,
            borderaxespad=0,
            borderpad=0,
            handlelength=1.2,
            columnspacing=1.2,
            labelspacing=0.3,
        )


def _legend_grid(widget: Widget, lines: Sequence[Drawn]) -> tuple[int, int]:
    """Return how many columns and rows a legend needs; none where there is no graph."""
    if widget.kind != "metric" or widget.properties.get("view") == "singleValue" or not any(e.values for e in lines):
        return 0, 0
    longest = max(len(line.label) + (0 if line.values else 10) for line in lines)
    columns = max(1, min(len(lines), int(widget.width * COLUMN / (0.4 + 0.057 * longest))))
    return columns, math.ceil(len(lines) / columns)


def _numbers(axes: Axes, lines: Sequence[Drawn]) -> None:
    axes.set_axis_off()
    for number, line in enumerate(lines):
        across = (number + 0.5) / len(lines)
        last = f"{list(line.values.values())[-1]:g}" if line.values else "?"
        axes.text(across, 0.6, last, fontsize=26, ha="center", va="center")
        axes.text(across, 0.1, line.label, ha="center", va="center", color=GREY)


def _alarms(axes: Axes, arns: Sequence[str], states: Mapping[str, str]) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for number, arn in enumerate(arns):
        column, row = divmod(number, 4)
        x, y = column / 3, 0.88 - row * 0.25
        state = states.get(arn)
        words = state.replace("_", " ").lower() if state else "unknown to the emulator"
        axes.plot(x + 0.01, y, "s", color=COLORS[state] if state else PALE, markersize=9)
        axes.text(x + 0.03, y, f"{arn.rpartition('-')[2]}: {words}", fontsize=8, va="center")
