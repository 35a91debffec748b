"""Write the botocore models of the services that this package calls, without documentation.

The Makefile runs this when it builds the layer: ``python service_models.py <folder>``. botocore ships a compressed
model of every AWS service, with its documentation. Finding and reading two of them takes a quarter of the time that
it takes to create a client. The layer keeps botocore's own models too, for other functions.
"""

import json
import sys
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

# The service name of a client, and the service's name in endpoints.json.
SERVICES = {"dynamodb": "dynamodb", "cloudwatch": "monitoring", "events": "events", "sqs": "sqs"}
MODELS = ("service-2", "endpoint-rule-set-1")
FOR_ALL_SERVICES = ("_retry", "partitions", "sdk-default-configuration")


def main(folder: Path) -> None:
    """Write the models to ``folder``, in the structure that botocore's loader expects."""
    loader = Loader(include_default_search_paths=True)
    for service in SERVICES:
        version = loader.determine_latest_version(service, "service-2")
        for model in MODELS:
            data = loader.load_service_model(service, model, version)
            _write(folder / service / version / f"{model}.json", _without_documentation(data))
    for name in FOR_ALL_SERVICES:
        _write(folder / f"{name}.json", loader.load_data(name))
    endpoints = loader.load_data("endpoints")
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in SERVICES.values() if name in services}
    _write(folder / "endpoints.json", endpoints)


def _without_documentation(node: Any) -> Any:
    if isinstance(node, dict):
        # A structure can have a member with this name too; its value is a shape, not a string.
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
