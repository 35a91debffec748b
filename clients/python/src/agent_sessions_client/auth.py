"""Credentials for API Gateway, for each value of the stack's parameter `ApiAuth`."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from agent_sessions_client.errors import CredentialsError
from agent_sessions_client.exchange import Secret

if TYPE_CHECKING:
    from botocore.session import Session as BotocoreSession

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SERVICE = "execute-api"


@dataclass(frozen=True)
class Unsigned:
    """A request before it is authorized."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class Auth(Protocol):
    """Returns the headers that authorize a request at the gateway; called once per attempt."""

    def __call__(self, request: Unsigned, /) -> Mapping[str, str]:
        """Raises CredentialsError if there are no usable credentials."""


class NoAuth:
    """For `ApiAuth=NONE`: sends no credentials."""

    def __call__(self, _: Unsigned, /) -> Mapping[str, str]:
        """Return no headers."""
        return {}

    def __repr__(self) -> str:
        return "NoAuth()"


class JwtAuth:
    """For `ApiAuth=JWT`: sends an issuer's access token.

    Args:
        token: The token, or a function that returns a current one. It is called for each request, so it should cache.
    """

    def __init__(self, token: str | Callable[[], str]) -> None:
        self._token = Secret(token) if isinstance(token, str) else token

    def __call__(self, _: Unsigned, /) -> Mapping[str, str]:
        """Return the token; raises CredentialsError if no header can carry it."""
        token = Secret((self._token if isinstance(self._token, str) else self._token()).strip())
        if not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token):  # RFC 6750, 2.1
            raise CredentialsError("the access token has characters that no header may contain, or is empty")
        return {"Authorization": Secret(f"Bearer {token}")}

    def __repr__(self) -> str:
        return "JwtAuth(…)"


class AwsAuth:
    """For `ApiAuth=AWS_IAM`: signs requests (SigV4) with what botocore finds. Needs the extra `aws`.

    Args:
        region: Region of the API; by default that of its URL, or else of the AWS configuration.
        profile: Profile of the AWS configuration; by default `AWS_PROFILE`, or the default one.
        session: A botocore session to take credentials from, instead of a new one.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        profile: str | None = None,
        session: "BotocoreSession | None" = None,
    ) -> None:
        self._region = region
        self._profile = profile
        self._session = session
        self._credentials: Any = None

    def __call__(self, request: Unsigned, /) -> Mapping[str, str]:
        """Return the headers of the signed request; raises CredentialsError if there are no credentials."""
        # botocore takes longer to import than a request takes, and requests with a session token need none of it.
        try:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest
            from botocore.exceptions import BotoCoreError, ClientError
        except ModuleNotFoundError:
            reason = "AWS credentials need botocore: pip install 'agent-sessions-client[aws]'"
        else:
            try:
                signed = AWSRequest(request.method, request.url, dict(request.headers), request.content)
                session = self._botocore()
                SigV4Auth(self._frozen(session), SERVICE, self._region_of(session, request.url)).add_auth(signed)
                return dict(signed.headers.items())
            except (BotoCoreError, ClientError) as error:  # the latter if STS refuses the role of a profile
                reason = str(error)
        raise CredentialsError(reason)

    def _botocore(self) -> "BotocoreSession":
        if self._session is None:
            from botocore.session import Session

            self._session = Session(profile=self._profile)
        return self._session

    def _frozen(self, session: "BotocoreSession") -> Any:
        self._credentials = self._credentials or session.get_credentials()
        if self._credentials is None:
            raise CredentialsError("there are no AWS credentials: set AWS_PROFILE, or sign in with `aws sso login`")
        return self._credentials.get_frozen_credentials()

    def _region_of(self, session: "BotocoreSession", url: str) -> str:
        found = re.fullmatch(rf"[^.]+\.{SERVICE}\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?", urlsplit(url).hostname or "")
        region = self._region or (found[1] if found else session.get_config_variable("region"))
        if not region:
            raise CredentialsError("the region of the API is unknown: set AWS_DEFAULT_REGION")
        return str(region)

    def __repr__(self) -> str:
        return "AwsAuth(…)"


def is_local(url: str) -> bool:
    """Whether a URL leads to this machine (RFC 6761, 6.3)."""
    name = urlsplit(url).hostname or ""
    return name in LOOPBACK or name.endswith(".localhost")


def url_from_environment(environ: Mapping[str, str] = os.environ) -> str:
    """Return `API_URL`; raises CredentialsError if it is not set."""
    url = environ.get("API_URL")
    if not url:
        raise CredentialsError("set API_URL to the URL of the service: the stack output ApiUrl")
    return url


def auth_from_environment(url: str, environ: Mapping[str, str] = os.environ) -> Auth:
    """Return what `API_AUTH` names: `AWS_IAM`, `JWT` (the token is in `API_JWT`) or `NONE`.

    Without it: `JWT` if `API_JWT` is set, `NONE` for a service on this machine, `AWS_IAM` otherwise.

    Raises:
        CredentialsError: what the choice needs is missing.
    """
    by_default = "JWT" if environ.get("API_JWT") else "NONE" if is_local(url) else "AWS_IAM"
    choice = environ.get("API_AUTH") or by_default
    if choice == "AWS_IAM":
        return AwsAuth()
    if choice == "NONE":
        return NoAuth()
    if choice != "JWT":
        raise CredentialsError("API_AUTH must be AWS_IAM, JWT or NONE")
    if not environ.get("API_JWT"):
        raise CredentialsError("set API_JWT to an access token of your issuer")
    return JwtAuth(environ["API_JWT"])
