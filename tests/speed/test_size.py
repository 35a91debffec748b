"""What is shipped does not grow unseen."""

import pytest

from benchmarks.goals import MB
from benchmarks.measurements.sizes import beyond_boto3, packages
from benchmarks.results import Results

# A dependency's next version may be a little larger.
MARGIN = 1.02
SPARE = 16 * 1024


def test_the_layer_and_the_functions_have_at_most_15_mb_beyond_boto3() -> None:
    sizes = packages()
    listed = ", ".join(f"{name} {size / MB:.2f}" for name, size in sizes.items())

    assert beyond_boto3(sizes) <= 15 * MB, f"{beyond_boto3(sizes) / MB:.2f} MB: {listed}"


def test_no_package_grows_unseen(recorded: Results) -> None:
    before = recorded["sizes"]
    grown = [
        f"{name} from {before.get(name, 0) / MB:.2f} to {size / MB:.2f} MB"
        for name, size in packages().items()
        if size > before.get(name, 0) * MARGIN + SPARE
    ]

    if grown:
        pytest.fail(f"{', '.join(grown)}. Where that is worth it, `make bench` records it anew.", pytrace=False)
