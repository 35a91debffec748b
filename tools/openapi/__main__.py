"""`make openapi`: what derives from the routes and the MCP tools (docs/openapi.json, events/, tables in documents)."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.mcp.document import with_tables
from tools.openapi.document import document
from tools.openapi.events import event_of
from tools.openapi.readme import with_routes
from tools.openapi.routes import ALL_ROUTES


def derived() -> dict[Path, str]:
    """Return the text of each derived file, by its path."""
    readme, mcp = ROOT / "README.md", ROOT / "docs/mcp.md"
    return {
        mcp: with_tables(mcp.read_text()),
        ROOT / "docs/openapi.json": _json(document()),
        readme: with_routes(readme.read_text(), ALL_ROUTES),
        **{ROOT / f"events/{route.name}.json": _json(event_of(route)) for route in ALL_ROUTES},
    }


def stale() -> list[str]:
    """Return the derived files that are missing or differ from what would be written now."""
    return [
        str(path.relative_to(ROOT)) for path, text in derived().items() if not path.exists() or path.read_text() != text
    ]


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the files, or with ``--check`` fail if one is stale."""
    parser = argparse.ArgumentParser(prog="tools.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if a file is stale; write nothing")
    if not parser.parse_args().check:
        for path, text in derived().items():
            path.write_text(text)
    elif files := stale():
        print(f"stale: {', '.join(files)}; run `make openapi` and commit what it writes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
