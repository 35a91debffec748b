"""Tables and figures as Markdown."""

import textwrap
from collections.abc import Iterable, Sequence

from benchmarks.samples import Spread

WIDTH = 120


def page(parts: Iterable[str]) -> str:
    """Return a document of headings, tables, images and paragraphs, which are wrapped."""
    return "\n\n".join(part if part[0] in "#|!-" or "\n" in part else _wrapped(part) for part in parts) + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def table(head: Sequence[str], rows: Iterable[Sequence[object]], right: int = 0) -> str:
    """Return a table; columns from number ``right`` on, where it is given, are figures and stand to the right."""
    aligned = ["---" if not right or number < right else "---:" for number in range(len(head))]
    lines = [head, aligned, *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def milliseconds(spread: Spread, digits: int) -> list[str]:
    """Return minimum, median and maximum of seconds, in milliseconds."""
    return [f"{1000 * each:.{digits}f}" for each in (spread.low, spread.median, spread.high)]


def ratio(spread: Spread) -> str:
    """Return a ratio with the lowest and the highest that a round gave."""
    return f"{spread.median:.2f} ({spread.low:.2f} to {spread.high:.2f})"


def dollars(amount: float) -> str:
    """Return an amount with as many digits as matter."""
    if 0 < amount < 0.995:
        return f"{amount:.2g}" if amount < 0.0995 else f"{amount:.2f}"
    return f"{amount:,.2f}" if amount < 1000 else f"{amount:,.0f}"
