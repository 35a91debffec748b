"""Draws widgets into one picture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import Any

from matplotlib import dates, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tools.dashboard.body import COLUMNS, Widget
from tools.dashboard.series import DrawnLine

NO_DATA = "no data on the emulator"

COLUMN, ROW = 0.45, 0.38  # inches
DOTS_PER_INCH = 150
CHARACTER, MARKER = 0.056, 0.42  # inches, in a legend
COLORS = {"OK": "#2e8b57", "ALARM": "#c8102e", "INSUFFICIENT_DATA": "#8a8f98"}
PALE, GREY = "#d8dbe0", "#6b7078"
STYLE = {
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.edgecolor": GREY,
    "grid.alpha": 0.3,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.handlelength": 1.2,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """Widgets at their places, all from one time to another.

    Args:
        heading: The line at the top.
        start: Left end of every graph, in epoch seconds.
        end: Right end of every graph, in epoch seconds.
        widgets: The widgets.
        lines: The lines of each widget, by its title.
        alarms: The state of each alarm that the emulator has, by ARN.
    """

    heading: str
    start: int
    end: int
    widgets: Sequence[Widget]
    lines: Mapping[str, Sequence[DrawnLine]]
    alarms: Mapping[str, str]

    def save(self, to: Path) -> None:
        """Write a PNG."""
        rows = 1 + max(widget.y + widget.height for widget in self.widgets)
        with rc_context(STYLE):
            figure = Figure((COLUMNS * COLUMN, rows * ROW), facecolor="white")
            figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.06)
            grid = figure.add_gridspec(rows, COLUMNS)
            figure.add_subfigure(grid[0, :]).text(0.01, 0.4, self.heading, color=GREY)
            for widget in self.widgets:
                place = grid[1 + widget.y : 1 + widget.y + widget.height, widget.x : widget.x + widget.width]
                self._draw(widget, figure.add_subfigure(place))
            figure.savefig(to, dpi=DOTS_PER_INCH)

    def _draw(self, widget: Widget, part: Any) -> None:
        axes, lines = part.subplots(), self.lines.get(widget.title, ())
        axes.set_title(widget.title, loc="left", fontsize=10, fontweight="bold")
        if widget.kind == "alarm":
            _alarms(axes, widget.alarms, self.alarms)
        elif not any(line.values for line in lines):
            axes.set_axis_off()
            axes.text(0.5, 0.5, NO_DATA, ha="center", va="center", color=GREY)
        elif widget.properties.get("view") == "singleValue":
            _numbers(axes, lines)
        else:
            self._graph(axes, lines, widget)
            part.legend(loc="outside lower left", ncols=_legend_columns(widget, lines))

    def _graph(self, axes: Axes, lines: Sequence[DrawnLine], widget: Widget) -> None:
        sides = {"left": axes} | ({"right": axes.twinx()} if any(line.on_the_right for line in lines) else {})
        for name, side in sides.items():
            values = [1.0]
            for number, line in enumerate(lines):
                if line.on_the_right == (name == "right"):
                    times = [datetime.fromtimestamp(time, UTC) for time in line.values]
                    side.plot(
                        times, list(line.values.values()), ".-", color=f"C{number}", label=_label(line), lw=1, ms=4
                    )
                    values += line.values.values()
            limits = widget.properties.get("yAxis", {}).get(name, {})
            side.set_ylim(limits.get("min"), limits.get("max", 1.15 * max(values)))
            side.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=all(value.is_integer() for value in values)))
        axes.set_xlim(datetime.fromtimestamp(self.start, UTC), datetime.fromtimestamp(self.end, UTC))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M:%S" if self.end - self.start < 300 else "%H:%M"))
        axes.grid(visible=True)


def _legend_columns(widget: Widget, lines: Sequence[DrawnLine]) -> int:
    """Return the largest number of columns that fits below a widget."""
    for columns in range(len(lines), 1, -1):
        rows = math.ceil(len(lines) / columns)
        longest = [max(len(_label(line)) for line in column) for column in batched(lines, rows, strict=False)]
        if sum(MARKER + CHARACTER * length for length in longest) <= widget.width * COLUMN - MARKER:
            return columns
    return 1


def _label(line: DrawnLine) -> str:
    return line.label + (" (right)" if line.on_the_right else "") + ("" if line.values else " (no data)")


def _numbers(axes: Axes, lines: Sequence[DrawnLine]) -> None:
    axes.set_axis_off()
    for number, line in enumerate(lines):
        across = (number + 0.5) / len(lines)
        last = f"{list(line.values.values())[-1]:g}" if line.values else "?"
        axes.text(across, 0.6, last, fontsize=24, ha="center", va="center")
        axes.text(across, 0.15, line.label, ha="center", va="center", color=GREY)


def _alarms(axes: Axes, arns: Sequence[str], states: Mapping[str, str]) -> None:
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    for number, arn in enumerate(arns):
        column, row = divmod(number, 5)
        x, y, state = column / 2, 0.9 - row * 0.2, states.get(arn)
        described = state.replace("_", " ").lower() if state else "not evaluated by the emulator"
        axes.plot(x + 0.01, y, "s", color=COLORS[state] if state else PALE, markersize=7)
        axes.text(x + 0.03, y, f"{arn.rpartition('-')[2]}: {described}", fontsize=8, va="center")
