"""The layer and the functions are no larger than in the last full run."""

import pytest

from benchmarks import MB, Results
from benchmarks.measurements.sizes import LIMIT, beyond_boto3, packages

# A dependency's next version may be a little larger.
MARGIN = 1.02
SPARE = 16 * 1024


def test_layer_and_functions_are_within_the_limit_without_boto3() -> None:
    sizes = packages()
    listed = ", ".join(f"{name} {size / MB:.2f}" for name, size in sizes.items())

    assert beyond_boto3(sizes) <= LIMIT, f"{beyond_boto3(sizes) / MB:.2f} MB: {listed}"


def test_no_package_grows(recorded: Results) -> None:
    before = recorded["sizes"]
    grown = [
        f"{name} from {before.get(name, 0) / MB:.2f} to {size / MB:.2f} MB"
        for name, size in packages().items()
        if size > before.get(name, 0) * MARGIN + SPARE
    ]

    if grown:
        pytest.fail(f"{', '.join(grown)}. If that is worth it, run `make bench` to record it.", pytrace=False)
