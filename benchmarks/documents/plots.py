"""Draws the plots of docs/performance.md and docs/costs.md; the same input gives the same files.

Runs with matplotlib as ``-m benchmarks.documents.plots FOLDER``; reads the results and the cost curves from stdin.
"""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.ticker import NullFormatter

from benchmarks import MB
from benchmarks.samples import Spread, ratio

# Distinguishable without seeing red or green: Okabe and Ito, https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#777777"
FLAT_CALLS = 3  # of a route whose requests take as many calls for any number of sessions
WHISKERS = "bar: median, line: minimum to maximum"

type Results = Mapping[str, Any]

mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "agent-sessions", "svg.fonttype": "none", "figure.constrained_layout.use": True}
mpl.rcParams |= {"axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "legend.frameon": False}
mpl.rcParams |= {"axes.grid": True, "grid.alpha": 0.3, "axes.ymargin": 0.15, "axes.xmargin": 0.05}


def start(results: Results) -> None:
    """CPU of each step of a cold start, and of the bare clients."""
    named_bars(results["start"], "CPU of a fresh process, ms", digits=0)


def transports(results: Results) -> None:
    """CPU of a validation in every way, and of the call that it makes."""
    named_bars({name: each["cpu"] for name, each in results["warm"]["compared"].items()}, "CPU, ms", digits=2)


def named_bars(cases: Mapping[str, Sequence[float]], title: str, digits: int) -> None:
    """Draw a bar for each case; those of boto3 and botocore in a colour of their own."""
    _, axes = plt.subplots(figsize=(8, 4))
    colours = [ORANGE if name.startswith("bare") or name.endswith("botocore") else BLUE for name in cases]
    spreads = bars(axes, range(len(cases)), cases.values(), color=colours, size=0.7, horizontal=True)
    for place, spread in enumerate(spreads):
        label = f"{spread.median:.{digits}f}"
        axes.annotate(label, (spread.high, place), (5, 0), textcoords="offset points", va="center")
    axes.set(title=title, xlabel=WHISKERS, xlim=(0, 1.1 * max(spread.high for spread in spreads)))
    axes.set_yticks(range(len(cases)), cases)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)


def warm(results: Results) -> None:
    """CPU and latency of each operation, beside its bare calls."""
    figure, both = plt.subplots(1, 2, figsize=(10, 5.4), sharey=True)
    operations = results["warm"]["operations"]
    bare = {place: each["bare"] for place, each in enumerate(operations.values()) if "bare" in each}
    places = [place - 0.2 if place in bare else place for place in range(len(operations))]
    for axes, clock, title in zip(both, ("cpu", "wall"), ("CPU, ms", "Latency on this machine, ms"), strict=True):
        ours, theirs = [each[clock] for each in operations.values()], [each[clock] for each in bare.values()]
        bars(axes, places, ours, color=BLUE, horizontal=True, label="request through the handler")
        bars(axes, [place + 0.2 for place in bare], theirs, color=ORANGE, horizontal=True, label="its bare calls")
        axes.set(title=title, xlim=(0, None))
        axes.grid(axis="y", visible=False)
    both[0].set_yticks(range(len(operations)), operations)
    both[0].invert_yaxis()
    both[0].legend(loc="upper right")
    figure.suptitle("A warm request, by operation")
    figure.supxlabel(WHISKERS, fontsize=9)


def growth(results: Results) -> None:
    """Validation latency and the activity report by the number of sessions."""
    _, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.8))
    sessions, reports = zip(*((entry["sessions"], entry["report"]) for entry in results["growth"]), strict=True)
    ratios = [ratio(entry["large"]["wall"], entry["small"]["wall"]) for entry in results["growth"]]
    medians = [each.median for each in ratios]
    left.errorbar(sessions, medians, yerr=whiskers(ratios), color=BLUE, marker="o", capsize=3, label="measured")
    left.axhline(1.1, color=ORANGE, ls="--", label="goal: ≤ 1.1")
    left.set(title="Latency of a validation\nrelative to 100 sessions", ylim=(0, None))
    middle.plot(sessions, [each["calls"] for each in reports], color=BLUE, marker="o", label="measured")
    middle.plot(sessions, [each["max_calls"] for each in reports], color=ORANGE, ls="--", label="limit")
    middle.set(title="Scan calls\nof an activity report", yscale="log", ylim=(10, None))
    right.plot(sessions, [each["peak"] / MB for each in reports], color=BLUE, marker="o", label="measured")
    right.set(title="Peak memory\nof an activity report, MB", ylim=(0, None))
    for axes in (left, middle, right):
        axes.set(xscale="log", xlabel="sessions in the table")
        axes.legend(loc="lower right" if axes is left else "upper left")
    short_numbers(left.xaxis, middle.xaxis, right.xaxis, middle.yaxis)


def partition(results: Results) -> None:
    """Units and seconds of one request of each route, by the number of sessions of one agent."""
    figure, grid = plt.subplots(2, 2, figsize=(11, 8), sharex=True, sharey="row")
    live, expired = results["partition"].values()
    sizes = [each["sessions"] for each in live]
    styles = product(("-", "--"), (BLUE, ORANGE, GREEN, PINK, "black"))
    for route in live[0]["routes"]:
        style = {"color": GREY, "lw": 0.8, "marker": ""}
        if max(each["routes"][route]["calls"] for each in (*live, *expired)) > FLAT_CALLS:
            style = dict(zip(("ls", "color"), next(styles), strict=True)) | {"marker": "o", "label": route}
        for row, figure_of in zip(grid, ("units", "seconds"), strict=True):
            for axes, entries in zip(row, (live, expired), strict=True):
                axes.plot(sizes, [each["routes"][route][figure_of] for each in entries], ms=4, **style)
    for axes, state in zip(grid[0], results["partition"], strict=True):
        axes.set(title=f"{state} sessions of one agent", xscale="log", yscale="log")
    for axes in grid[1]:
        axes.axhline(4.8, color="black", ls=":", lw=1)
        axes.annotate("limit", (sizes[0], 4.8), (0, -10), textcoords="offset points")
        axes.set(xlabel="sessions", ylim=(0, 5.2))
        short_numbers(axes.xaxis)
    grid[0][0].set(ylabel="read and write units of a request")
    grid[1][0].set(ylabel="seconds of a request")
    short_numbers(grid[0][0].yaxis)
    grid[0][0].plot([], [], color=GREY, lw=0.8, label="each other route")
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


def peers(results: Results) -> None:
    """CPU of each operation, by store."""
    _, axes = plt.subplots(figsize=(8, 4.4))
    stores = results["peers"]["stores"]
    names = list(stores["agent-sessions"])
    for number, ((store, measured), colour) in enumerate(zip(stores.items(), (BLUE, ORANGE, GREEN, PINK), strict=True)):
        places = {name: place + 0.2 * number - 0.3 for place, name in enumerate(names)}
        samples = [each["cpu"] for each in measured.values()]
        bars(axes, [places[name] for name in measured], samples, color=colour, size=0.18, label=store)
        for name in places.keys() - measured:
            axes.annotate("not supported", (places[name], 0.1), rotation=90, ha="center", va="bottom", color=GREY)
    axes.set(title="CPU of an operation in process, ms", xlabel=WHISKERS, ylim=(0, None))
    axes.set_xticks(range(len(names)), names)
    axes.legend(ncols=2, loc="upper right")
    axes.grid(axis="x", visible=False)


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
    short_numbers(axes.xaxis, axes.yaxis, top.xaxis)


def bars(axes: Any, places: Any, samples: Any, *, size: float = 0.38, horizontal: bool = False, **style: Any) -> Any:
    """Draw samples of seconds as bars up to the medians, with whiskers; return their spreads in milliseconds."""
    spreads = [Spread.of(1000 * seconds for seconds in sample) for sample in samples]
    medians, whisker = [each.median for each in spreads], {"fmt": "none", "ecolor": "black", "capsize": 2, "lw": 1}
    if horizontal:
        axes.barh(places, medians, size, **style)
        axes.errorbar(medians, places, xerr=whiskers(spreads), **whisker)
    else:
        axes.bar(places, medians, size, **style)
        axes.errorbar(places, medians, yerr=whiskers(spreads), **whisker)
    return spreads


def whiskers(spreads: Sequence[Spread]) -> list[list[float]]:
    """Return the distances from the medians down to the minima and up to the maxima."""
    return [[each.median - each.low for each in spreads], [each.high - each.median for each in spreads]]


def short_numbers(*axes: Any) -> None:
    """Label logarithmic axes with numbers that are short enough to stand side by side."""
    for axis in axes:
        axis.set_major_formatter(
            lambda x, _: f"{x / 1e6:g}M" if x >= 1e6 else f"{x / 1e3:g}k" if x >= 1e3 else f"{x:g}"
        )
        axis.set_minor_formatter(NullFormatter())


if __name__ == "__main__":
    text = sys.stdin.read()
    # A test compares this digest, and so finds a plot that is out of date.
    source = hashlib.sha256(text.encode() + Path(__file__).read_bytes()).hexdigest()
    metadata = {"Date": None, "Creator": None, "Source": source}
    for draw in (start, warm, transports, growth, partition, memory, peers, costs):
        draw(json.loads(text))
        plt.savefig(Path(sys.argv[1]) / f"{draw.__name__}.svg", metadata=metadata, facecolor="white")
