"""The service over HTTP: template.yaml, built by SAM CLI and deployed to an emulator on a free port."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest

from tests.e2e.deployment import Deployments
from tests.guards.emulator import SpanDaemon, search
from tests.guards.leaks import LEAKS
from tests.support.contract import ApiResponse, check_response
from tests.support.timeouts import HANG_SECONDS
from tools import ROOT
from tools.local import stack
from tools.local.emulator import Emulator
from tools.local.loopback import free_port
from tools.openapi.routes import BY_NAME

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


NO_PROXY_RUNS = "http://127.0.0.1:9"


@pytest.fixture(scope="package")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator for these tests, with the service built; it stops after the last of them.

    AUTH makes it check every signature and every permission, as AWS does: a function that lacks an
    action fails its test. The proxy does not exist, so a call that does not bypass it fails.
    """
    folder = tmp_path_factory.mktemp("emulator")
    stack.build(folder / "sam.log")
    daemon = SpanDaemon()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTP_PROXY", NO_PROXY_RUNS)
        patch.setenv("http_proxy", NO_PROXY_RUNS)
        emulator = Emulator.start(folder, free_port(), AUTH="true", AWS_XRAY_DAEMON_ADDRESS=daemon.address)
        try:
            yield emulator
            search(LEAKS, emulator, daemon)
        finally:
            emulator.stop()


@dataclass(frozen=True)
class Api:
    """A deployed service; each response of a known route is checked against the document."""

    url: str
    outputs: dict[str, str] = field(default_factory=dict)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        route: str | None = None,
    ) -> ApiResponse:
        """Send a request, and again if the response has a Retry-After, as on a machine too busy for the database."""
        sent = {"Content-Type": "application/json"} | (headers or {})
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method, headers=sent)  # noqa: S310
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        name = f"{method} {path}"
        LEAKS.check_request(name, request.full_url, data or b"", headers=dict(request.header_items()))
        deadline = time.monotonic() + HANG_SECONDS
        while True:
            response = _send(request)
            LEAKS.check_response(name, response.status, response.headers, response.text, data or b"")
            if route is not None:
                check_response(route, response.status, response.headers, response.text, behind_gateway=True)
            retry_after = {key.lower(): value for key, value in response.headers.items()}.get("retry-after")
            if retry_after is None or time.monotonic() > deadline:
                return response
            time.sleep(int(retry_after))

    def request(self, name: str, body: Any = None, *, query: str = "", **options: Any) -> ApiResponse:
        """Call an operation of the table of routes; options are parameters of its path, or of ``call``."""
        route = BY_NAME[name]
        path = route.path.format_map({each: options.pop(each) for each in route.path_parameters})
        return self.call(route.method, path + query, body, route=route.key, **options)

    def sign_in(self, agent_name: str = "Claude", headers: dict[str, str] | None = None, **body: Any) -> ApiResponse:
        return self.request("sign_in", {"agent_name": agent_name, **body}, headers=headers)

    def validate(self, token: str) -> ApiResponse:
        return self.request("validate_session", token=token)

    def sign_out(self, token: str) -> ApiResponse:
        return self.request("sign_out", token=token)

    def find(self, query: str, headers: dict[str, str] | None = None) -> ApiResponse:
        return self.request("list_agents", query=f"?{query}", headers=headers)

    def found(self, query: str) -> dict[str, Any]:
        """Return the one agent that a query finds."""
        (agent,) = self.find(query).body["agents"]
        return dict(agent)

    def agent(self, agent_id: str, headers: dict[str, str] | None = None) -> ApiResponse:
        return self.request("get_agent", agent_id=agent_id, headers=headers)

    def sessions(self, agent_id: str, query: str = "") -> ApiResponse:
        return self.request("list_agent_sessions", query=query, agent_id=agent_id)

    def end_all(self, agent_id: str) -> ApiResponse:
        return self.request("end_agent_sessions", agent_id=agent_id)

    def end(self, agent_id: str, session_id: str) -> ApiResponse:
        return self.request("end_agent_session", agent_id=agent_id, session_id=session_id)


def _send(request: urllib.request.Request) -> ApiResponse:
    try:
        with urllib.request.urlopen(request, timeout=HANG_SECONDS) as response:  # noqa: S310
            return ApiResponse(response.status, dict(response.headers), response.read().decode())
    except urllib.error.HTTPError as error:
        return ApiResponse(error.code, dict(error.headers), error.read().decode())


@pytest.fixture(scope="package")
def deployments(emulator: Emulator) -> Deployments:
    return Deployments(emulator)


@pytest.fixture(scope="package")
def deploy(emulator: Emulator, deployments: Deployments) -> Callable[..., Api]:
    """Deploys a stack with the given template parameters, of this checkout or of another."""

    def deploy(stack_name: str, *, source: Path = ROOT, **parameters: str) -> Api:
        outputs = deployments.deploy(stack_name, source, parameters)
        return Api(emulator.api_url(outputs["ApiUrl"]), outputs)

    return deploy


@pytest.fixture(scope="package")
def api(deploy: Callable[..., Api]) -> Api:
    """The service as `make local` deploys it."""
    return deploy("agent-sessions")


@pytest.fixture(scope="package")
def isolated(deploy: Callable[..., Api]) -> Api:
    """A service whose metrics no other test changes."""
    return deploy("isolated", TouchIntervalSeconds="1")


@pytest.fixture(scope="package")
def publishing(deploy: Callable[..., Api]) -> Api:
    """A service that puts lifecycle events on the bus."""
    return deploy("publishing", LifecycleEvents="true")


@pytest.fixture
def aws(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Makes clients of the emulator's services."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    return botocore.session.get_session().create_client


def wait_for[Found](find: Callable[[], Found | None]) -> Found:
    """Call a function until it returns something."""
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline:
        found = find()
        if found is not None:
            return found
        time.sleep(0.1)
    pytest.fail(f"found nothing in {HANG_SECONDS} s")


def let_report_put_metrics(aws: Callable[[str], Any], function_name: str) -> None:
    """Permit the report to put metrics, because the emulator does not know the condition of its permission."""
    allowed = {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*"}
    function = aws("lambda").get_function(FunctionName=function_name)["Configuration"]
    aws("iam").put_role_policy(
        RoleName=function["Role"].rpartition("/")[2],
        PolicyName="without-condition",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )


@pytest.fixture
def dynamodb(aws: Callable[[str], Any]) -> "DynamoDBClient":
    return cast("DynamoDBClient", aws("dynamodb"))
