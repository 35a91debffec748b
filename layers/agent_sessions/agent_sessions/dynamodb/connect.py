"""The transport of a process, decided once, at its start: the direct one in plain circumstances, else botocore."""

import re
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent_sessions import snapstart
from agent_sessions.dynamodb.transport import Transport
from agent_sessions.settings import Settings, aws_variables

if TYPE_CHECKING:
    from agent_sessions.dynamodb.direct_transport import DirectTransport

# What any of these asks for, only botocore does.
BOTOCORE_FOLLOWS = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_DATA_PATH"),
    *("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
    *("AWS_CREDENTIAL_EXPIRATION", "AWS_SECURITY_TOKEN", "AWS_ACCOUNT_ID_ENDPOINT_MODE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    *("AWS_AUTH_SCHEME_PREFERENCE", "AWS_SIGV4A_SIGNING_REGION_SET"),
)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
BOTOCORE_FOLLOWS_WITH_TLS = ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
# The partitions aws, aws-cn and aws-us-gov, by the form of their regions.
ENDPOINTS = {
    r"(af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-[0-9]+": "https://dynamodb.{}.amazonaws.com",
    r"cn-[a-z]+-[0-9]+": "https://dynamodb.{}.amazonaws.com.cn",
    r"us-gov-[a-z]+-[0-9]+": "https://dynamodb.{}.amazonaws.com",
}
PLAIN_URL = re.compile(r"(https?)://([a-z0-9.-]+)(:[0-9]+)?/?")
# Hosts from which botocore accepts credentials over HTTP.
CONTAINER_URL = re.compile(r"http://(127\.0\.0\.1|localhost|169\.254\.170\.2|169\.254\.170\.23)(:[0-9]+)?(/.*)?")


class Circumstances(NamedTuple):
    """What a direct connection needs to know.

    Args:
        host: The host of DynamoDB, with the port unless that is the scheme's.
        has_tls: Whether the scheme is https; an emulator may have http.
        region: The region in the scope of signatures.
        keys: The credentials in the environment; None if ``container`` is set.
        container: The endpoint of the container's credentials; empty if there are ``keys``.
    """

    host: str
    has_tls: bool
    region: str
    keys: tuple[str, str, str] | None
    container: str


def connect(settings: Settings) -> Transport:
    """Return the transport of the setting; botocore's if the circumstances are not plain."""
    environ = aws_variables()
    if settings.transport == "direct" and (circumstances := plain_circumstances(environ)):
        transport = _connect_directly(circumstances, environ)
        snapstart.after_restore(transport.forget)
        return transport
    from agent_sessions.dynamodb.client import BotocoreTransport

    return BotocoreTransport.connect()


def plain_circumstances(environ: Mapping[str, str]) -> Circumstances | None:
    """Return what a direct connection needs to know; None if only botocore is sure to do the right thing.

    Plain is a function on Lambda, with keys in its environment or at an endpoint of its container, that reaches
    DynamoDB at its regional endpoint or at the URL in the environment.
    """
    if not environ.get("AWS_LAMBDA_FUNCTION_NAME") or any(map(environ.get, BOTOCORE_FOLLOWS)):
        return None
    access_key, secret_key = environ.get("AWS_ACCESS_KEY_ID", ""), environ.get("AWS_SECRET_ACCESS_KEY", "")
    container = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
    if bool(access_key) != bool(secret_key) or not (access_key or CONTAINER_URL.fullmatch(container)):
        return None
    region = environ.get("AWS_DEFAULT_REGION", "")
    url = environ.get("AWS_ENDPOINT_URL_DYNAMODB") or environ.get("AWS_ENDPOINT_URL") or _regional_url(region)
    if not region or (parts := PLAIN_URL.fullmatch(url)) is None:
        return None
    scheme, name, port = parts.groups(default="")
    if scheme == "https" and any(map(environ.get, BOTOCORE_FOLLOWS_WITH_TLS)):
        return None
    if any(map(environ.get, PROXIES)) and not _is_reached_without_proxy(name + port, environ):
        return None
    host = name if (scheme, port) in {("http", ":80"), ("https", ":443")} else name + port
    keys = (access_key, secret_key, environ.get("AWS_SESSION_TOKEN", "")) if access_key else None
    return Circumstances(host, scheme == "https", region, keys, "" if keys else container)


def _is_reached_without_proxy(host: str, environ: Mapping[str, str]) -> bool:
    # As botocore does. It is slow to import, and rarely needed.
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

    return bool(proxy_bypass_environment(host, {"no": environ.get("no_proxy") or environ.get("NO_PROXY", "")}))


def _regional_url(region: str) -> str:
    return next((url.format(region) for form, url in ENDPOINTS.items() if re.fullmatch(form, region)), "")


def _connect_directly(circumstances: Circumstances, environ: Mapping[str, str]) -> "DirectTransport":
    import ssl

    from agent_sessions.dynamodb.container_credentials import ContainerCredentials, Credentials
    from agent_sessions.dynamodb.direct_connections import Connections
    from agent_sessions.dynamodb.direct_transport import DirectTransport

    host, has_tls, region, keys, container = circumstances
    tls = ssl.create_default_context(cafile=_trusted_authorities()) if has_tls else None
    if keys:
        return DirectTransport(Connections(host, tls), region, partial(Credentials, *keys))
    # Lambda may set another token when it restores a snapshot.
    fetch = ContainerCredentials(container, lambda: environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", ""))
    return DirectTransport(Connections(host, tls), region, fetch)


def _trusted_authorities() -> Path:
    """Return the file with the authorities that botocore trusts, without importing botocore."""
    package = find_spec("botocore")
    assert package is not None  # noqa: S101
    assert package.origin is not None  # noqa: S101
    return Path(package.origin).with_name("cacert.pem")
