"""`make bench`: measure, print the tables, and write the documents and their plots.

A full run writes to docs/; a quick one, whose figures are only a glimpse, to .local/bench/.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.documents import costs, performance
from benchmarks.documents.drawing import figures
from benchmarks.results import Results, load, save
from benchmarks.run import FULL, QUICK, measure
from tools import ROOT
from tools.dynamodb.local_engine import missing
from tools.local.__main__ import step
from tools.local.emulator import LocalError

DOCS = ROOT / "docs"
GLIMPSE = ROOT / ".local/bench"
# Of the last full run: the documents are made of it.
RESULTS = "performance/results.json"
DOCUMENTS = {"performance.md": performance.document, "costs.md": costs.document}
PLOTTER = ROOT / ".envs/plot/bin/python"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute instead of ten; writes to .local/bench/")
    parser.add_argument(
        "--documents", action="store_true", help="only write the documents anew, from the last full run"
    )
    arguments = parser.parse_args()
    folder = GLIMPSE if arguments.quick else DOCS
    if not arguments.documents and (reason := missing()):
        print(f"make bench: {reason}", file=sys.stderr)
        return 1
    try:
        if not arguments.documents:
            results = measure(QUICK if arguments.quick else FULL)
            (folder / RESULTS).parent.mkdir(parents=True, exist_ok=True)
            save(results, folder / RESULTS)
        write(folder)
    except (LocalError, RuntimeError) as error:
        print(f"make bench: {error}", file=sys.stderr)
        return 1
    return 0


def write(folder: Path) -> None:
    """Write the documents and the plots of the results in a folder, and print the documents."""
    results = load(folder / RESULTS)
    for name, document in DOCUMENTS.items():
        (folder / name).write_text(document(results))
        print(f"\n{document(results)}")
    step(f"Drawing the plots of {folder.relative_to(ROOT)}", lambda: draw(results, (folder / RESULTS).parent))


def draw(results: Results, folder: Path) -> None:
    """Draw the plots, in the environment that has matplotlib."""
    subprocess.run(
        [PLOTTER, "-m", "benchmarks.documents.plots", str(folder)],
        input=json.dumps(figures(results)),
        text=True,
        check=True,
        cwd=ROOT,
    )


if __name__ == "__main__":
    sys.exit(main())
