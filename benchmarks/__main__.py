"""`make bench`: measure the service, print the tables, and write the documents and their plots.

A full run writes to docs/; a quick one, whose figures are rough, to .local/bench/.
"""

import argparse
import json
import subprocess
from pathlib import Path

from benchmarks import Results
from benchmarks.documents import costs, performance
from benchmarks.run import FULL, QUICK, measure
from tools import ROOT
from tools.dynamodb.local_engine import missing
from tools.local import LocalError
from tools.progress import step

DOCS, QUICK_FOLDER = ROOT / "docs", ROOT / ".local/bench"
RESULTS = "performance/results.json"
DOCUMENTS = {"performance.md": performance.document, "costs.md": costs.document}
PLOT_PYTHON = ROOT / ".envs/plot/bin/python"


def main() -> None:
    """Run the command; a failure is one sentence and status 1."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute instead of ten; writes to .local/bench/")
    parser.add_argument("--documents", action="store_true", help="only write the documents of the last full run again")
    arguments = parser.parse_args()
    folder = QUICK_FOLDER if arguments.quick else DOCS
    if not arguments.documents and (reason := missing()):
        parser.exit(1, f"make bench: {reason}\n")
    try:
        if not arguments.documents:
            save(measure(QUICK if arguments.quick else FULL), folder)
        write(folder)
    except (LocalError, RuntimeError) as error:
        parser.exit(1, f"make bench: {error}\n")


def load(folder: Path) -> Results:
    """Read the results in a folder."""
    results: Results = json.loads((folder / RESULTS).read_text())
    return results


def save(results: Results, folder: Path) -> None:
    """Write results with five significant digits."""
    path = folder / RESULTS
    path.parent.mkdir(parents=True, exist_ok=True)
    rounded = json.loads(json.dumps(results), parse_float=lambda text: float(f"{float(text):.5g}"))
    path.write_text(json.dumps(rounded, indent=1) + "\n")


def write(folder: Path) -> None:
    """Print the documents of the results in a folder, and write them and their plots beside the results."""
    results = load(folder)
    for name, document in DOCUMENTS.items():
        text = document(results)
        (folder / name).write_text(text)
        print(f"\n{text}")
    command = [str(PLOT_PYTHON), "-m", "benchmarks.documents.plots", str((folder / RESULTS).parent)]
    curves = costs.plot_input(results)
    step("Drawing the plots", lambda: subprocess.run(command, input=curves, text=True, check=True, cwd=ROOT))


if __name__ == "__main__":
    main()
