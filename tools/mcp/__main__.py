"""`make mcp`: run other people's MCP programs against a local service of their own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.local import LocalError, service, stack
from tools.local.loopback import bypass_proxy
from tools.mcp.programs import Endpoints, run_all
from tools.progress import step

FOLDER = ROOT / ".local/mcp"


@contextmanager
def endpoints(folder: Path) -> Iterator[Endpoints]:
    """Run the service on an emulator that checks signatures, while the block runs."""
    with service.temporary_emulator(folder, AUTH="true") as (emulator, log):

        def deploy(name: str, **parameters: Any) -> str:
            outputs = stack.deploy(emulator, log, stack_name=name, **parameters)
            url = emulator.api_url(outputs["ApiUrl"])
            service.wait_for(f"{url}/health")
            return f"{url}/mcp"

        public = step("Deploying it for anyone", lambda: deploy("mcp", CorsOrigins=emulator.url))
        signed = step("Deploying it for callers that sign", lambda: deploy("mcp-iam", ApiAuth="AWS_IAM"))
        yield Endpoints(emulator.port, public, signed)


def main() -> int:
    """Run all programs; return 1 if one failed."""
    bypass_proxy()
    try:
        with endpoints(FOLDER) as urls:
            results = run_all(urls, FOLDER)
    except LocalError as error:
        print(f"make mcp: {error}", file=sys.stderr)
        return 1
    for result in results:
        if result.failure:
            print(f"\n{result.program}: {result.failure}", file=sys.stderr)
    return 1 if any(result.failure for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
