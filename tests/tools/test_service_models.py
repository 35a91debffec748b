"""The service models that the layer ships make the same clients as botocore's own."""

import importlib.util
import json
from pathlib import Path

import botocore.session
import pytest
from botocore.config import Config

from agent_sessions import aws_clients
from tools import ROOT

SERVICES = ["dynamodb", "cloudwatch", "events", "sqs"]


@pytest.fixture(scope="module")
def service_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the build of the layer writes."""
    spec = importlib.util.spec_from_file_location("service_models", ROOT / "layers/agent_sessions/service_models.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("service_models")
    module.main(folder)
    return folder


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1", "ap-southeast-7"])
def test_service_models_lead_to_the_same_endpoint(
    service_models: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, service: str, region: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    own = botocore.session.get_session().create_client(service)
    monkeypatch.setattr(aws_clients, "SERVICE_MODELS", service_models)

    slim = aws_clients.create_client(service, Config(connect_timeout=7))

    assert slim.meta.endpoint_url == own.meta.endpoint_url
    assert slim.meta.partition == own.meta.partition
    assert slim.meta.method_to_api_mapping == own.meta.method_to_api_mapping
    assert slim.meta.config.connect_timeout == 7


def test_service_models_contain_no_documentation(service_models: Path) -> None:
    assert {path.name for path in service_models.iterdir() if path.is_dir()} == set(SERVICES)
    assert sum(path.stat().st_size for path in service_models.rglob("*.json")) < 400_000
    for path in service_models.rglob("service-2.json"):
        assert json.loads(path.read_text())["operations"]
        assert '"documentation":"' not in path.read_text()


def test_missing_service_models_fall_back_to_botocore(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(aws_clients, "SERVICE_MODELS", tmp_path / "missing")

    assert aws_clients.create_client("sts", Config()).meta.service_model.service_name == "sts"


def test_user_agent_names_the_package(environment: dict[str, str]) -> None:
    assert aws_clients.create_client("sts", Config()).meta.config.user_agent.startswith("agent-sessions botocore/")
