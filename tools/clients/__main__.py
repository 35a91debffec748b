"""`make clients`: generate each client afresh, and walk it through the API of a local service of its own."""

import argparse
import os
import sys

from tools import ROOT, programs
from tools.clients.catalog import CLIENTS
from tools.clients.client import STEPS, Client, Result, run
from tools.clients.stand_in import stand_in
from tools.local import LocalError, service
from tools.local.loopback import bypass_proxy

FOLDER = ROOT / ".local/clients"


def walk_all(clients: list[Client]) -> list[Result]:
    """Walk clients, one after the other, through one local service; print a line for each."""
    results = []
    with service.temporary(FOLDER) as url, stand_in() as other:
        environ = {"API_URL": url, "STAND_IN_URL": other, "PATH": f"{programs.NODE}:{os.environ['PATH']}"}
        for client in clients:
            print(f"{client.name} ...", end="", flush=True)
            result = run(client, FOLDER / client.driver.name, environ)
            print(
                f" {result.missing or f'{len(result.steps)} of {len(STEPS)} steps'}, {result.seconds:.0f} s", flush=True
            )
            results.append(result)
    return results


def table(results: list[Result]) -> str:
    """Return the results as a Markdown table with a column for each step."""
    rows = [("client", "version", *STEPS), ("---",) * (len(STEPS) + 2)]
    for result in results:
        cells = ("✓" if step in result.steps else "-" if result.missing else "✗" for step in STEPS)
        rows.append((result.client.name, result.client.version, *cells))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    """Walk all clients or one; return 1 if a step failed."""
    parser = argparse.ArgumentParser(prog="tools.clients", description=__doc__)
    parser.add_argument("--client", default="", help="the folder of one client in tools/clients/drivers")
    name = parser.parse_args().client
    clients = [client for client in CLIENTS if name in ("", client.driver.name)]
    if not clients:
        known = ", ".join(client.driver.name for client in CLIENTS)
        print(f"make clients: there is no client {name}; CLIENT is one of {known}", file=sys.stderr)
        return 1
    bypass_proxy()
    try:
        results = walk_all(clients)
    except LocalError as error:
        print(f"make clients: {error}", file=sys.stderr)
        return 1
    print(f"\n{table(results)}")
    for result in results:
        if not result.is_good:
            reason = result.failure or f"these steps succeeded: {', '.join(result.steps)}"
            print(f"\n{result.client.name}: {reason}", file=sys.stderr)
    return 0 if all(result.is_good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
