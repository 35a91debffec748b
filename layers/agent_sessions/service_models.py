"""Write what botocore must know of the services that this package calls, and nothing else.

`make` runs it when the layer is built: ``python service_models.py <folder>``. botocore describes every
service of AWS with its documentation, compressed; to find and read two of them takes a quarter of the
time that a client takes to make. The models of all others stay where they are, for other functions.
"""

import json
import sys
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

# By the name that a client is made with, and the one that endpoints.json knows.
SERVICES = {"dynamodb": "dynamodb", "cloudwatch": "monitoring"}
MODELS = ("service-2", "endpoint-rule-set-1")
SHARED = ("_retry", "partitions", "sdk-default-configuration")


def main(folder: Path) -> None:
    """Write the models below ``folder``, as botocore's loader looks for them."""
    loader = Loader(include_default_search_paths=True)
    for service in SERVICES:
        version = loader.determine_latest_version(service, "service-2")
        for model in MODELS:
            data = loader.load_service_model(service, model, version)
            _write(folder / service / version / f"{model}.json", _without_documentation(data))
    for name in SHARED:
        _write(folder / f"{name}.json", loader.load_data(name))
    endpoints = loader.load_data("endpoints")
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in SERVICES.values() if name in services}
    _write(folder / "endpoints.json", endpoints)


def _without_documentation(node: Any) -> Any:
    if isinstance(node, dict):
        # A member of a structure may be called so too; its value is then a shape.
        return {
            key: _without_documentation(value)
            for key, value in node.items()
            if not (key == "documentation" and isinstance(value, str))
        }
    return [_without_documentation(each) for each in node] if isinstance(node, list) else node


def _write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, separators=(",", ":")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
