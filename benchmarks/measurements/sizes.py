"""Size of the layer and the functions, by package."""

from collections import Counter

from benchmarks import BUILT, MB
from benchmarks.service import LAYER

LIMIT = 16 * MB  # of the packages that are not boto3's
# The packages that pip installs for `boto3`; Lambda's runtime ships them too.
BOTO3 = frozenset({"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"})


def packages() -> dict[str, int]:
    """Return the bytes of each package of the layer, and of all functions together; the largest first."""
    sizes: Counter[str] = Counter()
    for file in LAYER.rglob("*"):
        if file.is_file():
            # The bytecode of a single-file module lies in __pycache__ beside it.
            parts = [part for part in file.relative_to(LAYER).parts if part != "__pycache__"]
            # Folders of metadata have the version in their name.
            name = "dist-info" if parts[0].endswith(".dist-info") else parts[0].partition(".")[0]
            sizes[name] += file.stat().st_size
    # Serving requests writes bytecode beside the functions, which is not part of the build.
    sizes["functions"] = sum(file.stat().st_size for file in BUILT.glob("*Function/**/*.py"))
    return dict(sizes.most_common())


def beyond_boto3(sizes: dict[str, int]) -> int:
    """Return the bytes that are not boto3's."""
    return sum(size for name, size in sizes.items() if name not in BOTO3)
