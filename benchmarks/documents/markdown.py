"""Renders the documents: Jinja2 templates in which each heading, paragraph, bullet and row is a line."""

import statistics
import textwrap
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks import MB
from benchmarks.samples import Spread


def exact(amount: float) -> str:
    """Return an amount with all its digits."""
    return f"{amount:.10f}".rstrip("0").rstrip(".")


def dollars(amount: float) -> str:
    """Return an amount with as many digits as matter."""
    if 0 < amount < 0.0995:
        return exact(float(f"{amount:.2g}"))
    return f"{amount:,.2f}" if amount < 1000 else f"{amount:,.0f}"


FILTERS: dict[str, Callable[..., Any]] = {
    "number": lambda value, digits=0: f"{value:,.{digits}f}",
    "ms": lambda seconds, digits=2: f"{1000 * seconds:.{digits}f}",
    "mb": lambda size, digits=2: f"{size / MB:.{digits}f}",
    "spread": lambda seconds, digits=2: " | ".join(f"{1000 * each:.{digits}f}" for each in Spread.of(seconds)),
    "with_spread": lambda ratio: f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})",
    "median": statistics.median,
    "dollars": dollars,
    "exact": exact,
}


def render(template: str, **values: Any) -> str:
    """Return a document; a value that its template lacks is an error."""
    environment = Environment(  # noqa: S701  Markdown, not HTML
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= FILTERS
    lines = environment.get_template(template).render(values).splitlines()
    blocks = groupby(lines, lambda line: line[:2] if line.startswith(("| ", "- ")) else line)  # a table, a list, a line
    return "\n\n".join("\n".join(map(_wrapped, block)) for _, block in blocks) + "\n"


def _wrapped(line: str) -> str:
    if line.startswith(("|", "#", "!")):
        return line
    indent = "  " if line.startswith("- ") else ""
    return textwrap.fill(line, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
