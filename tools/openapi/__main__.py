"""`make openapi`: docs/openapi.json from the types and the error registry of the code."""

import argparse
import json
import sys

from tools import ROOT
from tools.openapi.document import document

DOCUMENT = ROOT / "docs/openapi.json"


def main() -> int:
    """Write the document, or with ``--check`` tell whether the written one is up to date."""
    parser = argparse.ArgumentParser(prog="tools.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail where docs/openapi.json is stale")
    text = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    if not parser.parse_args().check:
        DOCUMENT.write_text(text)
    elif not DOCUMENT.exists() or DOCUMENT.read_text() != text:
        print("docs/openapi.json is stale: run `make openapi` and commit it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
