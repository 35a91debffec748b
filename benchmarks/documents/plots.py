"""Draws the plots of docs/performance.md and docs/costs.md; the same input gives the same files.

Runs with matplotlib as ``-m benchmarks.documents.plots FOLDER``; reads the results and the cost curves from stdin.
"""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.ticker import EngFormatter

from benchmarks import MB, Results
from benchmarks.samples import Spread, ratio

# Distinguishable without seeing red or green: Okabe and Ito, https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#777777"
MEASURED, LIMIT = {"color": BLUE, "marker": "o", "label": "measured"}, {"color": ORANGE, "ls": "--"}
FLAT = {"color": GREY, "lw": 0.8, "ls": "-"}
FLAT_CALLS = 3  # of a route whose requests take as many calls for any number of sessions
WHISKERS = "bar: median, line: minimum to maximum"

type Samples = Mapping[str, Mapping[str, Sequence[float]]]

mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "agent-sessions", "svg.fonttype": "none", "figure.constrained_layout.use": True}
mpl.rcParams |= {"axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "legend.frameon": False}
mpl.rcParams |= {"axes.grid": True, "grid.alpha": 0.3, "axes.ymargin": 0.15, "axes.xmargin": 0.05}


def start(results: Results) -> None:
    """CPU of each step of a cold start, and of the bare clients."""
    by_client(results["start"], "CPU of a fresh process, ms", label="%.0f")


def transports(results: Results) -> None:
    """CPU of a validation in every way, and of the call that it makes."""
    ways = {name: each["cpu"] for name, each in results["warm"]["compared"].items()}
    by_client(ways, "CPU of a validation, ms", label="%.2f")


def by_client(cases: Mapping[str, Sequence[float]], title: str, label: str) -> None:
    """Draw a bar for each case; those of boto3 and botocore in a colour of their own."""
    _, axes = plt.subplots(figsize=(8, 4))
    colours = [ORANGE if name.startswith("bare") or name.endswith("botocore") else BLUE for name in cases]
    bars(axes, {title: cases}, [colours])
    axes.bar_label(axes.containers[-1], fmt=label, padding=5)
    axes.set(title=title, xlabel=WHISKERS)
    axes.margins(x=0.1)


def warm(results: Results) -> None:
    """CPU and latency of each operation, beside its bare calls."""
    figure, both = plt.subplots(1, 2, figsize=(10, 5.4), sharey=True)
    operations = results["warm"]["operations"]
    for axes, clock, title in zip(both, ("cpu", "wall"), ("CPU, ms", "Latency on this machine, ms"), strict=True):
        ours = {name: each[clock] for name, each in operations.items()}
        bare = {name: each["bare"][clock] for name, each in operations.items() if "bare" in each}
        bars(axes, {"request through the handler": ours, "its bare calls": bare}, (BLUE, ORANGE))
        axes.set(title=title)
    both[0].legend(loc="upper right")
    figure.suptitle("A warm request, by operation")
    figure.supxlabel(WHISKERS, fontsize=9)


def peers(results: Results) -> None:
    """CPU of each operation, by store."""
    _, axes = plt.subplots(figsize=(8, 5))
    stores = {
        store: {name: each["cpu"] for name, each in operations.items()}
        for store, operations in results["peers"]["stores"].items()
    }
    bars(axes, stores, (BLUE, ORANGE, GREEN, PINK), missing="not supported")
    axes.set(title="CPU of an operation in process, ms", xlabel=WHISKERS)
    axes.legend(loc=(0.62, 0.54))


def growth(results: Results) -> None:
    """Validation latency and the activity report by the number of sessions."""
    log = {"xscale": "log", "xlabel": "sessions in the table"}
    _, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.8), subplot_kw=log)
    sessions, reports = zip(*((entry["sessions"], entry["report"]) for entry in results["growth"]), strict=True)
    ratios = [ratio(entry["large"]["wall"], entry["small"]["wall"]) for entry in results["growth"]]
    lows, medians, highs = np.array(ratios).T
    left.errorbar(sessions, medians, yerr=(medians - lows, highs - medians), capsize=3, **MEASURED)
    left.axhline(1.1, label="goal: ≤ 1.1", **LIMIT)
    left.set(title="Latency of a validation\nrelative to 100 sessions", ylim=(0, None))
    left.legend(loc="lower right")
    middle.plot(sessions, [each["calls"] for each in reports], **MEASURED)
    middle.plot(sessions, [each["max_calls"] for each in reports], label="limit", **LIMIT)
    middle.set(title="Scan calls\nof an activity report", yscale="log", ylim=(10, None))
    middle.legend(loc="upper left")
    right.plot(sessions, [each["peak"] / MB for each in reports], **MEASURED)
    right.set(title="Peak memory\nof an activity report, MB", ylim=(0, None))
    short_numbers(left.xaxis, middle.xaxis, right.xaxis, middle.yaxis)


def partition(results: Results) -> None:
    """Units and seconds of one request of each route, by the number of sessions of one agent."""
    styles = {"prop_cycle": mpl.cycler(ls=("-", "--")) * mpl.cycler(color=(BLUE, ORANGE, GREEN, PINK, "black"))}
    figure, grid = plt.subplots(2, 2, figsize=(11, 8), sharex=True, sharey="row", subplot_kw=styles)
    columns = list(zip(grid.T, results["partition"].items(), strict=True))
    for (units, seconds), (state, entries) in columns:
        sizes = [each["sessions"] for each in entries]
        for route in entries[0]["routes"]:
            calls = [each["routes"][route]["calls"] for _, (_, entries) in columns for each in entries]
            style = FLAT if max(calls) <= FLAT_CALLS else {"marker": "o", "ms": 4, "label": route}
            for axes, figure_of in ((units, "units"), (seconds, "seconds")):
                axes.plot(sizes, [each["routes"][route][figure_of] for each in entries], **style)
        units.set(title=f"{state} sessions of one agent", xscale="log", yscale="log")
        seconds.axhline(4.8, color="black", ls=":", lw=1)
        seconds.annotate("limit", (sizes[0], 4.8), (0, -10), textcoords="offset points")
        seconds.set(xlabel="sessions", ylim=(0, 5.2))
        short_numbers(seconds.xaxis, units.yaxis)
    grid[0][0].set(ylabel="read and write units of a request")
    grid[1][0].set(ylabel="seconds of a request")
    grid[0][0].plot([], [], label="each other route", **FLAT)
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)


def memory(results: Results) -> None:
    """Memory and CPU of a warm function, request by request."""
    _, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
    samples, cpu = results["memory"]["samples"], results["memory"]["cpu"]
    requests, peaks = zip(*((each["requests"], each["peak"] / MB) for each in samples), strict=True)
    left.plot(requests, peaks, color=BLUE, marker="o", ms=4)
    left.set(xscale="symlog", xlabel="validations served", title="Peak memory of a warm function, MB")
    left.set_ylim(0, 1.2 * max(peaks))
    short_numbers(left.xaxis)
    right.plot(range(1, len(cpu) + 1), [1000 * seconds for seconds in cpu], color=BLUE, marker=".", lw=0.8)
    right.set(xlabel="validation number", title=f"CPU of the first {len(cpu)} validations, ms", ylim=(0, None))


def costs(results: Results) -> None:
    """The monthly bill, and its reads and writes on demand and provisioned, by the number of agents."""
    _, axes = plt.subplots(figsize=(8, 5))
    curves = results["costs"]
    for curve, label, colour, style in (
        ("total", "total bill", "black", "-"),
        ("on_demand", "DynamoDB requests on demand (default)", BLUE, "-"),
        ("provisioned_peak", "… provisioned, busiest hour three times the average", PINK, ":"),
        ("provisioned_even", "… provisioned, even load", ORANGE, "--"),
    ):
        axes.plot(curves["agents"], curves[curve], label=label, color=colour, ls=style)
    axes.set(xscale="log", yscale="log", xlabel="agents", ylabel="$ a month", title="Monthly cost in us-east-1")
    at = curves["break_even_agents"], curves["provisioned_even"][0]
    text = f"from {at[0]:,} agents on,\nprovisioned costs less\nat an even load"
    axes.annotate(text, at, (0, -60), textcoords="offset points", arrowprops={"arrowstyle": "->"}, fontsize=9)
    rate = curves["requests_per_second"]
    top = axes.secondary_xaxis("top", functions=(lambda agents: agents * rate, lambda requests: requests / rate))
    top.set_xlabel("requests per second, on average")
    axes.legend(loc="upper left", fontsize=9)
    short_numbers(axes.xaxis)
    for axis in (axes.yaxis, top.xaxis):
        axis.set_major_formatter("{x:g}")


def bars(axes: Any, series: Samples, colours: Sequence[Any], missing: str = "") -> None:
    """Draw samples of seconds as bars up to the medians in milliseconds, with whiskers; a row for each name.

    The first series has all names. A row in which another series has no sample shows ``missing`` in its place.
    """
    rows, height = list(next(iter(series.values()))), 0.8 / len(series)
    for number, ((label, samples), colour) in enumerate(zip(series.items(), colours, strict=True)):
        places = {name: row + height * (number - (len(series) - 1) / 2) for row, name in enumerate(rows)}
        lows, medians, highs = 1000 * np.array([Spread.of(sample) for sample in samples.values()]).T
        whiskers = {"xerr": (medians - lows, highs - medians), "error_kw": {"capsize": 2, "lw": 1}}
        axes.barh([places[name] for name in samples], medians, 0.9 * height, color=colour, label=label, **whiskers)
        for name in places.keys() - samples:
            axes.annotate(missing, (0.02, places[name]), va="center", color=GREY)
    axes.set(yticks=range(len(rows)), yticklabels=rows, ylim=(len(rows) - 0.5, -0.5))
    axes.grid(axis="y", visible=False)


def short_numbers(*axes: Any) -> None:
    """Label logarithmic axes with 10k and 1M, which are short enough to stand side by side."""
    for axis in axes:
        axis.set_major_formatter(EngFormatter(sep=""))


if __name__ == "__main__":
    text = sys.stdin.read()
    # A test compares this digest, and so finds a plot that is out of date.
    source = hashlib.sha256(text.encode() + Path(__file__).read_bytes()).hexdigest()
    metadata = {"Date": None, "Creator": None, "Source": source}
    for draw in (start, warm, transports, growth, partition, memory, peers, costs):
        draw(json.loads(text))
        plt.savefig(Path(sys.argv[1]) / f"{draw.__name__}.svg", metadata=metadata, facecolor="white")
