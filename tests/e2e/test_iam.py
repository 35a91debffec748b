"""ApiAuth=AWS_IAM: the gateway verifies signed requests, and each user or role is an owner of its own."""

import json
import re
import runpy
import socket
import subprocess
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.e2e.conftest import Api
from tests.support.mcp import headers_of, message
from tools import ROOT
from tools.local.emulator import Emulator

type Sign = Callable[..., dict[str, str]]

MAY_CALL_ANY_API = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}],
    }
)


@pytest.fixture(scope="module")
def api(deploy: Callable[..., Api], emulator: Emulator) -> Api:
    """The service under the host name for which requests are signed, and which only curl and browsers resolve."""
    outputs = deploy("with-iam", ApiAuth="AWS_IAM").outputs
    return Api(emulator.url, outputs)


@pytest.fixture
def user(aws: Callable[[str], Any], api: Api) -> Callable[..., Sign]:
    """Creates an IAM user, and returns a function that signs requests as that user."""
    iam = aws("iam")

    def make(name: str, *, policy: str | None = MAY_CALL_ANY_API) -> Sign:
        iam.create_user(UserName=name)
        if policy:
            iam.put_user_policy(UserName=name, PolicyName="api", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])

        def sign(method: str, path: str, body: Any = None) -> dict[str, str]:
            data = None if body is None else json.dumps(body).encode()
            request = AWSRequest(method, api.outputs["ApiUrl"] + path, data=data)
            SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
            return dict(request.headers) | {"Host": urlsplit(api.outputs["ApiUrl"]).netloc}

        return sign

    return make


def sign_in(api: Api, sign: Sign, **changed: str) -> Any:
    body = {"agent_name": "Claude"}
    headers = sign("POST", "/sessions", body) | changed
    return api.call("POST", "/sessions", body, headers=headers)


def test_users_are_different_owners(api: Api, user: Callable[..., Sign]) -> None:
    ada, bob = user("ada"), user("bob")
    of_ada, of_bob = sign_in(api, ada).body, sign_in(api, bob).body

    assert of_ada["agent_id"] != of_bob["agent_id"]
    agent_id = of_ada["agent_id"]
    encoded = "".join(f"%{ord(character):02X}" for character in agent_id)
    for spelling in (agent_id, agent_id.replace("-", "%2d"), encoded):
        path = f"/agents/{spelling}"
        assert api.call("GET", path, headers=ada("GET", path)).status == 200
        assert api.call("GET", path, headers=bob("GET", path)).status == 404


def test_user_without_permission_gets_403(api: Api, user: Callable[..., Sign]) -> None:
    assert sign_in(api, user("eve", policy=None)).status == 403


def test_mcp_caller_is_the_user_who_signed(api: Api, user: Callable[..., Sign]) -> None:
    body = message("tools/call", {"name": "whoami", "arguments": {}})
    host = {"Host": urlsplit(api.outputs["ApiUrl"]).netloc}
    assert api.call("POST", "/mcp", body, headers=headers_of(body) | host).status == 403
    assert api.call("GET", "/mcp", headers=host).status == 405

    response = api.call("POST", "/mcp", body, headers=headers_of(body) | user("grace")("POST", "/mcp", body))
    assert response.body["result"]["structuredContent"]["owner"].endswith(":user/grace")


def test_signature_of_another_request_gets_403(api: Api, user: Callable[..., Sign]) -> None:
    mallory = user("mallory")

    assert sign_in(api, mallory, Authorization=mallory("GET", "/agents")["Authorization"]).status == 403


def test_unsigned_request_gets_403(api: Api) -> None:
    host = {"Host": urlsplit(api.outputs["ApiUrl"]).netloc}

    assert api.call("POST", "/sessions", {"agent_name": "Claude"}, headers=host).status == 403
    assert api.call("GET", "/agents?agent_name=Claude", headers=host).status == 403


# -- the examples in the documents


@pytest.fixture
def as_worker(api: Api, aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a user with credentials and the policy of docs/authentication.md."""
    (policy,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs/authentication.md").read_text(), re.DOTALL)
    api_id = urlsplit(api.outputs["ApiUrl"]).netloc.partition(".")[0]
    for placeholder, own in {"eu-west-1": "us-east-1", "111122223333": "000000000000", "a1b2c3d4e5": api_id}.items():
        assert placeholder in policy
        policy = policy.replace(placeholder, own)
    iam = aws("iam")
    name = f"worker-{uuid.uuid4()}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="call-agent-sessions", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    monkeypatch.setenv("API_URL", api.outputs["ApiUrl"])


def sign_in_with_curl(agent_name: str) -> "subprocess.CompletedProcess[str]":
    command = ["/bin/sh", str(ROOT / "examples/sign_in_with_iam.sh"), agent_name]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.mark.usefixtures("as_worker")
def test_python_example_signs_in(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *more, **named: resolve("127.0.0.1", *more, **named))
    monkeypatch.setattr("sys.argv", ["", "Python"])

    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "examples/sign_in_with_iam.py"), run_name="__main__")

    session = json.loads(capsys.readouterr().out)
    assert (end.value.code, session["agent_name"]) == (0, "Python")
    assert session["session_token"]


@pytest.mark.usefixtures("as_worker")
@pytest.mark.parametrize("agent_name", ["curl", 'Claude "Opus"', 'x", "exclusive": true, "context": "\\'])
def test_curl_example_signs_in_with_the_exact_name(agent_name: str) -> None:
    done = sign_in_with_curl(agent_name)

    assert (done.returncode, done.stderr) == (0, "")
    session = json.loads(done.stdout)
    assert (session["agent_name"], session["context"]) == (agent_name, None)


@pytest.mark.usefixtures("as_worker")
def test_curl_example_fails_on_403(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")

    done = sign_in_with_curl("curl")

    assert done.returncode != 0
    assert "403" in done.stderr
