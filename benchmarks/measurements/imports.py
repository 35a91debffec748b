"""``python -X importtime``, by package.

``python -m benchmarks.measurements.imports`` prints it for the sessions function as it was last built.
"""

import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.measurements import start
from benchmarks.service import Service
from tools.dynamodb.local_engine import Engine

LINE = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)$", re.MULTILINE)


def by_package(importtime: str) -> dict[str, float]:
    """Return the seconds that the modules of each package take themselves, the slowest first."""
    seconds: Counter[str] = Counter()
    for microseconds, module in LINE.findall(importtime):
        package = module.partition(".")[0]
        seconds["Python" if package in sys.stdlib_module_names else package] += int(microseconds)
    return {package: total / 1e6 for package, total in seconds.most_common()}


def slowest_modules(importtime: str, count: int) -> list[tuple[str, float]]:
    """Return the modules that take longest themselves, in seconds."""
    modules = sorted(((int(own) / 1e6, module) for own, module in LINE.findall(importtime)), reverse=True)
    return [(module, seconds) for seconds, module in modules[:count]]


def main() -> None:
    """Print both."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.start(Path(folder))
        try:
            importtime = start.import_times(Service.create(engine.url, "imports"))
        finally:
            engine.stop()
    print("milliseconds, by package")
    for package, seconds in by_package(importtime).items():
        print(f"{seconds * 1000:8.1f}  {package}")
    print("\nmilliseconds, the slowest modules")
    for module, seconds in slowest_modules(importtime, 30):
        print(f"{seconds * 1000:8.1f}  {module}")


if __name__ == "__main__":
    main()
