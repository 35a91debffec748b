"""Which versions are pinned."""

import re

from tools import ROOT


def pinned(requirements: str, name: str) -> str:
    """Return the version of a package in a requirements file; raises ValueError where it has none."""
    for line in (ROOT / requirements).read_text().splitlines():
        if found := re.match(rf"{re.escape(name)}==(\S+)", line):
            return found[1]
    raise ValueError(f"{requirements} does not pin {name}")
