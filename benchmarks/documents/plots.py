"""Draws the plots of docs/performance.md and docs/costs.md.

Run where matplotlib is, as ``-m benchmarks.documents.plots FOLDER`` with the figures as JSON on standard input.
The same figures give the same files.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

# Told apart by those who see no red or green: Okabe and Ito, https://jfly.uni-koeln.de/color/
OURS, BARE, THIRD, FOURTH, GREY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#999999"

type Figures = dict[str, Any]

mpl.use("svg")
mpl.rcParams.update(
    {
        "svg.hashsalt": "agent-sessions",
        "svg.fonttype": "none",
        "figure.constrained_layout.use": True,
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.alpha": 0.3,
        "legend.frameon": False,
    }
)


def main(folder: Path) -> None:
    """Draw all of them."""
    figures = json.load(sys.stdin)
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS.items():
        drawn = draw(figures[name])
        drawn.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None}, facecolor="white")
        plt.close(drawn)


def start(figures: Figures) -> Any:
    """What each step of a start adds."""
    figure, axes = plt.subplots(figsize=(8, 3.6))
    medians = [middle for _, middle, _ in figures["milliseconds"]]
    added = [now - before for now, before in zip(medians, [0, *medians[:-1]], strict=True)]
    places = range(len(medians))
    axes.barh(places, added, left=[0, *medians[:-1]], color=OURS)
    axes.errorbar(medians, places, xerr=_whiskers(figures["milliseconds"]), fmt="none", ecolor="black", capsize=3, lw=1)
    for place, (median, more) in enumerate(zip(medians, added, strict=True)):
        axes.annotate(f"{more:+.0f}", (median, place), (6, 5), textcoords="offset points", fontsize=9)
    for (name, at), style in zip(figures["bare"].items(), ("--", ":"), strict=True):
        axes.axvline(at, color=BARE, ls=style, label=f"{name}: {at:.0f} ms")
    axes.set(
        yticks=places, yticklabels=figures["steps"], xlabel="CPU of a fresh process up to here, ms (min, median, max)"
    )
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(high for _, _, high in figures["milliseconds"]))
    axes.legend(loc="lower left", bbox_to_anchor=(0.02, 0.02))
    axes.set_title("A start, step by step")
    return figure


def warm(figures: Figures) -> Any:
    """CPU and latency of each operation, beside the bare calls."""
    figure, both = plt.subplots(1, 2, figsize=(10, 5), sharey=True)
    places = range(len(figures["operations"]))
    for axes, what, label in zip(both, ("cpu", "wall"), ("CPU, ms", "latency on this machine, ms"), strict=True):
        _bars(axes, places, figures[what], -0.2, OURS, "through the handler")
        _bars(axes, places, figures[f"bare {what}"], 0.2, BARE, "its bare calls")
        axes.set(yticks=places, yticklabels=figures["operations"], xlabel=f"{label} (min, median, max)")
    both[0].invert_yaxis()
    both[0].legend(loc="upper right")
    figure.suptitle("Warm requests")
    return figure


def growth(figures: Figures) -> Any:
    """Validation and report by the number of sessions."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.6))
    sessions = figures["sessions"]
    medians = [median for _, median, _ in figures["ratio"]]
    left.errorbar(sessions, medians, yerr=_whiskers(figures["ratio"]), color=OURS, marker="o", capsize=3)
    left.axhline(1.1, color=BARE, ls="--", label="goal: 1.1")
    left.set(title="A validation", ylabel="latency ÷ among 100 sessions", ylim=(0, max(2, *medians) * 1.1))
    left.legend(loc="lower right")
    middle.plot(sessions, figures["calls"], color=OURS, marker="o", label="calls")
    middle.plot(sessions, figures["most_calls"], color=BARE, ls="--", label="at most")
    middle.set(
        title="The report reads", ylabel="calls of Scan", yscale="log", ylim=(10, 1.5 * max(figures["most_calls"]))
    )
    _plain(middle.yaxis)
    middle.legend(loc="upper left")
    right.plot(sessions, figures["peak"], color=OURS, marker="o")
    right.set(title="The report holds", ylabel="peak resident set, MB", ylim=(0, max(figures["peak"]) * 1.3))
    for axes in (left, middle, right):
        axes.set(xscale="log", xlabel="sessions in the table")
        _plain(axes.xaxis)
    return figure


def memory(figures: Figures) -> Any:
    """Memory and CPU of a warm function, request by request."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4))
    left.plot(figures["requests"], figures["peak"], color=OURS, marker="o", ms=4)
    left.set(xscale="symlog", xlabel="validations answered", ylabel="peak resident set, MB", title="Memory")
    left.set_ylim(0, max(figures["peak"]) * 1.2)
    _plain(left.xaxis)
    right.plot(range(1, len(figures["cpu"]) + 1), figures["cpu"], color=OURS, marker=".", lw=0.8)
    right.set(xlabel="number of the validation", ylabel="its CPU, ms", title="The first requests")
    right.set_ylim(0, None)
    return figure


def peers(figures: Figures) -> Any:
    """CPU of each verb, by store."""
    figure, axes = plt.subplots(figsize=(8, 4))
    verbs = ["create", "validate", "slide", "destroy"]
    width = 0.8 / len(figures)
    for number, ((store, told), colour) in enumerate(zip(figures.items(), (OURS, BARE, THIRD, FOURTH), strict=True)):
        places = [place - 0.4 + (number + 0.5) * width for place, verb in enumerate(verbs) if verb in told]
        spreads = [told[verb] for verb in verbs if verb in told]
        axes.bar(places, [median for _, median, _ in spreads], width * 0.9, color=colour, label=store)
        axes.errorbar(
            places,
            [median for _, median, _ in spreads],
            yerr=_whiskers(spreads),
            fmt="none",
            ecolor="black",
            capsize=2,
            lw=1,
        )
        for place, verb in enumerate(verbs):
            if verb not in told:
                axes.annotate(
                    "cannot",
                    (place - 0.4 + (number + 0.5) * width, 0),
                    (0, 4),
                    textcoords="offset points",
                    ha="center",
                    fontsize=8,
                    rotation=90,
                    color=colour,
                )
    axes.set(
        xticks=range(len(verbs)), ylabel="CPU, ms (min, median, max)", title="Session stores on DynamoDB, in process"
    )
    axes.set_xticklabels(["create", "validate", "validate and slide", "destroy"])
    axes.legend(ncols=2, loc="upper center")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.15)
    axes.grid(axis="x", visible=False)
    return figure


def costs(figures: Figures) -> Any:
    """A month's bill, and its reads and writes on demand and provisioned, by the number of agents."""
    figure, axes = plt.subplots(figsize=(8, 4.6))
    agents = figures["agents"]
    axes.plot(agents, figures["all"], color="black", label="the whole bill, on demand")
    axes.plot(agents, figures["on demand"], color=OURS, label="reads and writes on demand")
    even, peaks = figures["provisioned"]["1"], figures["provisioned"]["3"]
    axes.plot(agents, even, color=BARE, ls="--", label="… provisioned, even load")
    axes.plot(agents, peaks, color=FOURTH, ls=":", label="… provisioned, the busiest hour 3 times the average")
    at = figures["break_even_agents"]
    axes.axvline(at, color=GREY, lw=1)
    axes.set(xscale="log", yscale="log", xlabel="agents", ylabel="$ a month", title="A month in us-east-1")
    axes.annotate(
        f"even load: provisioned\ncosts less from {at:,} agents on",
        (at, max(figures["all"])),
        (6, -12),
        textcoords="offset points",
        fontsize=9,
    )
    rate = axes.secondary_xaxis(
        -0.2,
        functions=(lambda agents: agents * figures["rate"], lambda rate: rate / figures["rate"]),
    )
    rate.set_xlabel("requests a second, on average")
    for axis in (axes.xaxis, axes.yaxis, rate.xaxis):
        _plain(axis)
    axes.legend(loc="lower right", fontsize=9)
    return figure


def _plain(axis: Any) -> None:
    """Write a logarithmic axis in numbers that are short enough to stand side by side."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axis.set_minor_formatter(NullFormatter())


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _bars(axes: Any, places: range, spreads: list[Any], offset: float, colour: str, label: str) -> None:
    there = [(place + offset, spread) for place, spread in zip(places, spreads, strict=True) if spread]
    at, shown = [place for place, _ in there], [spread for _, spread in there]
    medians = [median for _, median, _ in shown]
    axes.barh(at, medians, 0.38, color=colour, label=label)
    axes.errorbar(medians, at, xerr=_whiskers(shown), fmt="none", ecolor="black", capsize=2, lw=1)


def _whiskers(spreads: list[list[float]]) -> list[list[float]]:
    return [[median - low for low, median, _ in spreads], [high - median for _, median, high in spreads]]


PLOTS: dict[str, Callable[[Figures], Any]] = {
    "start": start,
    "warm": warm,
    "growth": growth,
    "memory": memory,
    "peers": peers,
    "costs": costs,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
