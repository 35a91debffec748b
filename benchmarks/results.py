"""The results of a run, kept as JSON beside the documents that are generated from them."""

import json
from pathlib import Path
from typing import Any

type Results = dict[str, Any]


def save(results: Results, path: Path) -> None:
    """Write the results with five significant digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rounded = json.loads(json.dumps(results), parse_float=lambda text: float(f"{float(text):.5g}"))
    path.write_text(json.dumps(rounded, indent=1) + "\n")


def load(path: Path) -> Results:
    """Read the results."""
    results: Results = json.loads(path.read_text())
    return results
