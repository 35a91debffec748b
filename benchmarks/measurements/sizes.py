"""How large the layer and the functions are, by package."""

from collections import Counter
from pathlib import Path

from benchmarks import BUILT
from benchmarks.service import LAYER

# What pip installs for `boto3`: Lambda's own runtime ships it too.
BOTO3 = frozenset({"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"})


def packages() -> dict[str, int]:
    """Return the bytes of each package of the layer, and of the functions together; the largest first."""
    sizes: Counter[str] = Counter()
    for file in LAYER.rglob("*"):
        if file.is_file():
            sizes[_package(file.relative_to(LAYER))] += file.stat().st_size
    for folder in BUILT.glob("*Function"):
        sizes["functions"] += sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return dict(sizes.most_common())


def beyond_boto3(sizes: dict[str, int]) -> int:
    """Return the bytes that are not boto3's."""
    return sum(size for name, size in sizes.items() if name not in BOTO3)


def _package(path: Path) -> str:
    """Return the package of a file; a module of one file lies beside its bytecode's folder."""
    name = path.parts[0] if path.parts[0] != "__pycache__" else path.parts[1]
    return name.partition(".")[0]
