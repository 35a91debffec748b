"""How requests are authorized at the gateway, and what is said if they cannot be."""

import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.session import Session as BotocoreSession
from fake_service import AGENT_ID, URL, Service, agent, token

from agent_sessions_client import AwsAuth, Client, CredentialsError, JwtAuth, NoAuth, auth_from_environment

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_DEFAULT_REGION", "API_URL", "API_AUTH", "API_JWT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def authorization(make: Callable[..., Any], service: Service, url: str = URL, **options: Any) -> str:
    service.planned = [httpx2.Response(200, json=agent())]
    make(url, **options).agent(AGENT_ID)
    return str(service.requests[-1].headers.get("Authorization", ""))


def test_nothing_is_sent_without_auth(make: Callable[..., Any], service: Service) -> None:
    assert authorization(make, service) == ""


def test_access_token_is_fetched_for_each_request(make: Callable[..., Any], service: Service) -> None:
    tokens = iter(["first.token.x", "second.token.y\n"])
    auth = JwtAuth(lambda: next(tokens))

    assert authorization(make, service, auth=auth) == "Bearer first.token.x"
    assert authorization(make, service, auth=auth) == "Bearer second.token.y"


@pytest.mark.parametrize("bad", ["", "two words", "line\nbreak", "ключ"])
def test_access_token_that_no_header_carries_is_not_repeated(
    make: Callable[..., Any], service: Service, bad: str
) -> None:
    with pytest.raises(CredentialsError) as raised:
        make(auth=JwtAuth(bad)).agent(AGENT_ID)

    assert not bad or bad not in str(raised.value)
    assert service.calls == []


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("url", "region"),
    [
        (URL, "eu-west-1"),
        ("https://a1b2c3d4e5.execute-api.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("https://agents.example.com", "us-east-2"),
    ],
)
def test_signature_is_of_the_region_of_the_api(
    make: Callable[..., Any], service: Service, monkeypatch: pytest.MonkeyPatch, url: str, region: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")

    signed = authorization(make, service, url, auth=AwsAuth())

    assert re.match(
        rf"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/\d{{8}}/{region}/execute-api/aws4_request", signed
    )


@pytest.mark.usefixtures("aws")
def test_region_and_session_can_be_given(make: Callable[..., Any], service: Service) -> None:
    auth = AwsAuth(region="sa-east-1", session=BotocoreSession())

    assert "/sa-east-1/execute-api/" in authorization(make, service, auth=auth)


def test_missing_aws_credentials_are_named(make: Callable[..., Any], service: Service) -> None:
    with pytest.raises(CredentialsError, match="set AWS_PROFILE"):
        make(auth=AwsAuth()).agent(AGENT_ID)

    assert service.calls == []


def test_unknown_profile_is_named(make: Callable[..., Any]) -> None:
    with pytest.raises(CredentialsError, match="nobody"):
        make(auth=AwsAuth(profile="nobody")).agent(AGENT_ID)


@pytest.mark.usefixtures("aws")
def test_role_that_sts_refuses_is_named(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Credentials) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "AssumeRole")

    monkeypatch.setattr(Credentials, "get_frozen_credentials", refuse)

    with pytest.raises(CredentialsError, match="AccessDenied"):
        make(auth=AwsAuth()).agent(AGENT_ID)


@pytest.mark.usefixtures("aws")
def test_missing_region_is_named(make: Callable[..., Any]) -> None:
    with pytest.raises(CredentialsError, match="set AWS_DEFAULT_REGION"):
        make("https://agents.example.com", auth=AwsAuth()).agent(AGENT_ID)


def test_session_token_replaces_the_signature(make: Callable[..., Any], service: Service) -> None:
    service.live.add(token(1))

    make(auth=AwsAuth()).resume(token(1))

    assert service.requests[0].headers["Authorization"] == f"Bearer {token(1)}"


@pytest.mark.parametrize(
    ("url", "environ", "kind"),
    [
        ("http://127.0.0.1:4566/x", {}, NoAuth),
        ("http://a1b2c3.execute-api.localhost:4566", {}, NoAuth),
        ("https://localhost.example.com", {}, AwsAuth),
        (URL, {}, AwsAuth),
        (URL, {"API_JWT": "a.b.c"}, JwtAuth),
        (URL, {"API_AUTH": "JWT", "API_JWT": "a.b.c"}, JwtAuth),
        (URL, {"API_AUTH": "NONE"}, NoAuth),
        ("http://127.0.0.1:4566/x", {"API_AUTH": "AWS_IAM"}, AwsAuth),
    ],
)
def test_environment_chooses_the_credentials(url: str, environ: dict[str, str], kind: type) -> None:
    assert type(auth_from_environment(url, environ)) is kind


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [({"API_AUTH": "IAM"}, "API_AUTH must be AWS_IAM, JWT or NONE"), ({"API_AUTH": "JWT"}, "set API_JWT")],
)
def test_incomplete_environment_is_named(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(CredentialsError, match=sentence):
        auth_from_environment(URL, environ)


def test_client_from_environment_needs_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsError, match="set API_URL"):
        Client.from_environment()
    monkeypatch.setenv("API_URL", "http://127.0.0.1:4566")

    with Client.from_environment() as client:
        assert repr(client) == "Client('http://127.0.0.1:4566')"
