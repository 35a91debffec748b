"""`make demo`: a walkthrough of the local service, which leaves agents signed in.

Until `--check` has passed, nothing is installed: so the checks need only Python's standard library.
"""

import argparse
import re
import sys
from pathlib import Path

from tools.local import LocalError
from tools.local.loopback import bypass_proxy
from tools.local.service import FOLDER, require_running

MAX_MINUTES = 24 * 60


def main() -> int:
    """Run the walkthrough and start the fleet; print one sentence and return 1 if that fails."""
    parser = argparse.ArgumentParser(prog="tools.demo", description=__doc__)
    parser.add_argument("--minutes", default="0", help="how long the agents keep working, for the dashboard")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the emulator runs")
    parser.add_argument("--check", action="store_true", help="only check whether the demo can run")
    arguments = parser.parse_args()
    bypass_proxy()
    try:
        minutes = read_minutes(arguments.minutes)
        url = service_url(arguments.folder)
        if not arguments.check:
            from tools.demo import fleet, walkthrough

            walkthrough.run(url)
            fleet.run(url, minutes)
    except LocalError as error:
        print(f"make demo: {error}", file=sys.stderr)
        return 1
    return 0


def read_minutes(text: str) -> float:
    """Return the minutes that the variable MINUTES names; raises LocalError if it is none, or more than a day."""
    if not re.fullmatch(r"\d{1,4}(\.\d+)?", text, re.ASCII) or float(text) > MAX_MINUTES:
        raise LocalError(f"MINUTES must be a number from 0 to {MAX_MINUTES}, not {text!r}")
    return float(text)


def service_url(folder: Path) -> str:
    """Return the URL of the local service; raises LocalError if it is not running."""
    require_running(folder)
    try:
        return (folder / "url").read_text()
    except FileNotFoundError:
        raise LocalError("the local service is still starting; wait until `make local` has printed its URL") from None


if __name__ == "__main__":
    sys.exit(main())
