"""The service over HTTP: template.yaml, built and deployed by SAM to an emulator on a free port."""

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

from tests.guards.emulator import SpanDaemon, search
from tests.guards.leaks import LEAKS
from tests.support.contract import ApiResponse, check_response
from tools import ROOT
from tools.local import stack
from tools.local.emulator import Emulator
from tools.local.loopback import free_port
from tools.openapi.routes import BY_NAME

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


CLIENT_CONFIG = 60  # seconds
NO_PROXY_RUNS = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator of these tests' own, with the service built; it ends with them.

    AUTH makes it check every signature and every permission, as AWS does: a function that lacks an
    action fails its test. A proxy that nobody runs is set, so that a call that does not bypass it fails.
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
    """A deployed service; every answer of a known route is held against the document."""

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
        sent = {"Content-Type": "application/json"} | (headers or {})
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method, headers=sent)  # noqa: S310
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        what = f"{method} {path}"
        LEAKS.check_request(what, request.full_url, data or b"", headers=dict(request.header_items()))
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                answer = ApiResponse(response.status, dict(response.headers), response.read().decode())
        except urllib.error.HTTPError as error:
            answer = ApiResponse(error.code, dict(error.headers), error.read().decode())
        LEAKS.check_response(what, answer.status, answer.headers, answer.text)
        if route is not None:
            check_response(route, answer.status, answer.headers, answer.text)
        return answer

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
        return self.request("find_agent", query=f"?{query}", headers=headers)

    def agent(self, agent_id: str, headers: dict[str, str] | None = None) -> ApiResponse:
        return self.request("get_agent", agent_id=agent_id, headers=headers)

    def sessions(self, agent_id: str, query: str = "") -> ApiResponse:
        return self.request("list_agent_sessions", query=query, agent_id=agent_id)

    def end_all(self, agent_id: str) -> ApiResponse:
        return self.request("end_agent_sessions", agent_id=agent_id)

    def end(self, agent_id: str, session_id: str) -> ApiResponse:
        return self.request("end_agent_session", agent_id=agent_id, session_id=session_id)


@pytest.fixture(scope="session")
def deploy(emulator: Emulator) -> Callable[..., Api]:
    """Deploys a stack of its own with the given template parameters, of this checkout or of another."""

    def deploy(stack_name: str, *, source: Path = ROOT, **parameters: str) -> Api:
        log = emulator.folder / "sam.log"
        outputs = stack.deploy(emulator, log, source=source, stack_name=stack_name, **parameters)
        return Api(emulator.api_url(outputs["ApiUrl"]), outputs)

    return deploy


@pytest.fixture(scope="session")
def api(deploy: Callable[..., Api]) -> Api:
    """The service as `make local` deploys it."""
    return deploy("agent-sessions")


@pytest.fixture(scope="session")
def watched(deploy: Callable[..., Api]) -> Api:
    """A service whose numbers nobody else changes."""
    return deploy("watched", TouchIntervalSeconds="1")


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


def wait_for[Found](look: Callable[[], Found | None]) -> Found:
    """Look until something is found."""
    until = time.monotonic() + CLIENT_CONFIG
    while time.monotonic() < until:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    pytest.fail(f"nothing was found in {CLIENT_CONFIG} s")


def let_report_put_metrics(aws: Callable[[str], Any], function_name: str) -> None:
    """Allow the report what it may on AWS: the emulator does not know the condition of its permission."""
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
