"""Which transport a process gets, by its environment; decided once, at its start."""

import subprocess
import sys

import botocore.session
import pytest

from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.dynamodb.connect import (
    BOTOCORE_FOLLOWS,
    BOTOCORE_FOLLOWS_WITH_TLS,
    PROXIES,
    connect,
    plain_circumstances,
)
from agent_sessions.dynamodb.direct_transport import DirectTransport
from agent_sessions.settings import Settings
from tools import ROOT
from tools.cloudformation import function_environment
from tools.local.emulator import aws_environ

ON_LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "sessions",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
}
ONLY_BOTOCORE = (
    "ALL_PROXY",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE",
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_DATA_PATH",
    "AWS_DEFAULT_PROFILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_SIGV4A_SIGNING_REGION_SET",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "SSLKEYLOGFILE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "all_proxy",
    "http_proxy",
    "https_proxy",
)
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
SNAPSTART = {name: value for name, value in ON_LAMBDA.items() if name not in KEYS} | {
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9001/2018-06-01/credentials",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "authorization",
}


def is_plain(**changes: str | None) -> bool:
    environ = {name: value for name, value in (ON_LAMBDA | changes).items() if value is not None}
    return plain_circumstances(environ) is not None


def test_function_on_lambda_is_plain() -> None:
    circumstances = plain_circumstances(ON_LAMBDA)

    assert circumstances
    assert circumstances.host == "dynamodb.eu-west-1.amazonaws.com"
    assert circumstances.has_tls
    assert circumstances.region == "eu-west-1"
    assert circumstances.keys == ("AKIDEXAMPLE", "secret", "token")


def test_function_with_snapstart_is_plain() -> None:
    circumstances = plain_circumstances(SNAPSTART)

    assert circumstances
    assert (circumstances.keys, circumstances.container) == (None, "http://127.0.0.1:9001/2018-06-01/credentials")


def test_keys_precede_the_endpoint_of_the_container() -> None:
    circumstances = plain_circumstances(SNAPSTART | ON_LAMBDA)

    assert circumstances
    assert (circumstances.keys is None, circumstances.container) == (False, "")


def test_program_elsewhere_is_not_plain() -> None:
    assert not is_plain(AWS_LAMBDA_FUNCTION_NAME=None)


def test_botocore_follows_what_is_listed_here() -> None:
    assert sorted(ONLY_BOTOCORE) == sorted([*BOTOCORE_FOLLOWS, *BOTOCORE_FOLLOWS_WITH_TLS, *PROXIES])


@pytest.mark.parametrize("variable", ONLY_BOTOCORE)
def test_what_only_botocore_follows_is_not_plain(variable: str) -> None:
    assert not is_plain(**{variable: "x"})
    assert is_plain(**{variable: ""})


@pytest.mark.parametrize(
    ("no_proxy", "plain"),
    [
        ("localhost,127.0.0.1,::1", True),
        ("localhost:4566", True),
        ("*", True),
        ("example.com", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_proxy_does_not_matter_to_a_host_without_proxy(variable: str, no_proxy: str, plain: bool) -> None:
    proxied = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", variable: no_proxy}

    assert is_plain(**proxied, AWS_ENDPOINT_URL="http://localhost:4566") == plain


def test_function_on_the_emulator_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its functions inherit its environment, with the proxy of the machine.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    circumstances = plain_circumstances(aws_environ(4566) | {"AWS_LAMBDA_FUNCTION_NAME": "sessions"})

    assert circumstances
    assert circumstances.host == "localhost:4566"


@pytest.mark.parametrize("variable", BOTOCORE_FOLLOWS_WITH_TLS)
def test_authorities_do_not_matter_without_tls(variable: str) -> None:
    assert is_plain(**{variable: "x", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})


@pytest.mark.parametrize(
    "changes",
    [
        {"AWS_ACCESS_KEY_ID": None},
        {"AWS_SECRET_ACCESS_KEY": None},
        {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
        {"AWS_DEFAULT_REGION": None},
        {"AWS_DEFAULT_REGION": None, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
    ],
    ids=str,
)
def test_missing_keys_or_region_are_not_plain(changes: dict[str, str | None]) -> None:
    assert not is_plain(**changes)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://127.0.0.1:9001/2018-06-01/credentials", True),
        ("http://localhost:9001/credentials", True),
        ("http://169.254.170.23/v1/credentials", True),
        ("http://169.254.170.2/v2/credentials", True),
        ("https://127.0.0.1:9001/credentials", False),
        ("http://credentials.example.com/", False),
        ("http://127.0.0.1.example.com/", False),
        ("http://127.0.0.1@example.com/", False),
        ("http://[fd00:ec2::23]/v1/credentials", False),
        ("", False),
    ],
)
def test_credentials_come_from_hosts_of_the_container_only(url: str, plain: bool) -> None:
    environ = SNAPSTART | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url}

    assert (plain_circumstances(environ) is not None) == plain


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:4566", ("127.0.0.1:4566", False)),
        ("http://localhost:8000/", ("localhost:8000", False)),
        ("http://dynamodb.internal:80", ("dynamodb.internal", False)),
        (
            "https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com",
            ("vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com", True),
        ),
        ("https://example.com:443", ("example.com", True)),
        ("https://example.com:80", ("example.com:80", True)),
        ("https://example.com/path", None),
        ("https://example.com?query", None),
        ("https://user@example.com", None),
        ("https://[::1]:8000", None),
        ("HTTPS://EXAMPLE.COM", None),
        ("ftp://example.com", None),
        ("example.com", None),
    ],
)
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_plain_urls_of_endpoints_are_followed(variable: str, url: str, expected: tuple[str, bool] | None) -> None:
    circumstances = plain_circumstances(ON_LAMBDA | {variable: url})

    assert (circumstances and (circumstances.host, circumstances.has_tls)) == expected


def test_url_of_the_service_precedes_that_of_all_services() -> None:
    urls = {"AWS_ENDPOINT_URL": "http://one:1", "AWS_ENDPOINT_URL_DYNAMODB": "http://two:2"}

    circumstances = plain_circumstances(ON_LAMBDA | urls)

    assert circumstances
    assert circumstances.host == "two:2"


@pytest.mark.slow
def test_every_region_has_the_endpoint_of_botocore(client_session: botocore.session.Session) -> None:
    regions = {
        region: partition
        for partition in client_session.get_available_partitions()
        for region in client_session.get_available_regions("dynamodb", partition_name=partition)
    }
    assert len(regions) > 30
    for region, partition in regions.items():
        circumstances = plain_circumstances(ON_LAMBDA | {"AWS_DEFAULT_REGION": region})
        if partition in ("aws", "aws-cn", "aws-us-gov"):
            client = client_session.create_client(
                "dynamodb", region_name=region, aws_access_key_id="testing", aws_secret_access_key="testing"
            )
            assert circumstances, region
            assert f"https://{circumstances.host}" == client.meta.endpoint_url
        else:
            assert circumstances is None, region


@pytest.mark.parametrize("region", ["local", "aws-global", "us-east-1\n", "us-east", "us-iso-east-1", "../us-east-1"])
def test_other_regions_are_not_plain(region: str) -> None:
    assert not is_plain(AWS_DEFAULT_REGION=region)


@pytest.mark.parametrize(
    ("setting", "on_lambda", "kind"),
    [
        ("direct", True, DirectTransport),
        ("direct", False, BotocoreTransport),
        ("botocore", True, BotocoreTransport),
    ],
)
def test_setting_and_circumstances_decide(
    monkeypatch: pytest.MonkeyPatch, setting: str, on_lambda: bool, kind: type
) -> None:
    for name, value in (function_environment() | ON_LAMBDA | {"TRANSPORT": setting}).items():
        monkeypatch.setenv(name, value)
    for name in (*ONLY_BOTOCORE, *([] if on_lambda else ["AWS_LAMBDA_FUNCTION_NAME"])):
        monkeypatch.delenv(name, raising=False)

    assert isinstance(connect(Settings.from_environment()), kind)


@pytest.mark.slow
@pytest.mark.parametrize("function", ["sessions", "agents", "authorizer"])
@pytest.mark.parametrize("setting", ["direct", "botocore"])
def test_botocore_is_loaded_only_if_it_is_used(function: str, setting: str) -> None:
    # Powertools imports the package botocore itself, which is one small module.
    program = "import app, sys; print(any(name.startswith(('boto3', 'botocore.', 'urllib3')) for name in sys.modules))"
    path = f"{ROOT / 'functions' / function}:{ROOT / 'layers/agent_sessions'}"
    environ = function_environment() | ON_LAMBDA | {"TRANSPORT": setting, "PYTHONPATH": path}

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.stderr) == (str(setting == "botocore"), "")
