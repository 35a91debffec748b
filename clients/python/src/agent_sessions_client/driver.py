"""Drives the exchanges over httpx2, with threads or with asyncio.

An exception of httpx2 refers to the request and so to its secrets: it becomes a Failure, and goes no further.
"""

import asyncio
import json
import platform
import re
import time
from asyncio import sleep as pause
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx2

from agent_sessions_client.auth import Auth, Unsigned, is_local
from agent_sessions_client.exchange import Exchange, Failure, Pause, Reply, Request, Secret

Result = TypeVar("Result")
Step = Request | Pause
Outcome = Reply | Failure | None

VERSION = "0.1.0"
TIMEOUT_SECONDS = 10.0
USER_AGENT = f"agent-sessions-client/{VERSION} python/{platform.python_version()}"
# No byte of the request was sent. Their messages come from the operating system; others could repeat a header.
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
# No header can carry other characters, and httpx2's error would repeat them.
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")


def checked_url(url: str, *, allow_http: bool) -> str:
    """Return the URL of the service without a trailing slash.

    Raises:
        ValueError: it is not one, or would send tokens unencrypted to another machine.
    """
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        is_url = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of the brackets, the port or the host; httpx2 would notice at the first request
        is_url = False
    if not is_url:
        raise ValueError(
            "url must be the URL of the service, such as https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("url must have no user, no query and no fragment")
    if parts.scheme == "http" and not (allow_http or is_local(url)):
        raise ValueError(
            "url must begin with https://, because http:// sends tokens unencrypted; allow_http=True permits it"
        )
    return url.rstrip("/")


def checked_token(token: Secret) -> Secret:
    """Return a session token from elsewhere; raises ValueError, without it, if it cannot be one."""
    if not TOKEN.fullmatch(token):
        raise ValueError("session_token is not a session token")
    return token


class SyncDriver:
    """Runs exchanges in the calling thread; safe with threads."""

    def __init__(self, url: str, auth: Auth, http_client: httpx2.Client | None) -> None:
        self.url = url
        self._auth = auth
        self._is_owner = http_client is None
        self._http = http_client or httpx2.Client(timeout=TIMEOUT_SECONDS)

    def run(self, exchange: Exchange[Result]) -> Result:
        """Return what an exchange returns, or raise what it raises."""
        outcome: Outcome = None
        while True:
            try:
                step = exchange.send(outcome)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            outcome = self._perform(step)

    def _perform(self, step: Step) -> Outcome:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        unsigned = _unsigned(self.url, step)
        request = _authorized(unsigned, _bearer(step.token) if step.token else self._auth(unsigned))
        try:
            return _reply(self._http.send(request, follow_redirects=False))
        except httpx2.RequestError as error:
            return _failure(error)

    @property
    def is_closed(self) -> bool:
        """Whether the connections were closed, so that no request can be sent."""
        return self._http.is_closed

    def close(self) -> None:
        """Close the connections, unless the client is the caller's."""
        if self._is_owner:
            self._http.close()


class AsyncDriver:
    """Runs exchanges on asyncio's loop."""

    def __init__(self, url: str, auth: Auth, http_client: httpx2.AsyncClient | None) -> None:
        self.url = url
        self._auth = auth
        self._is_owner = http_client is None
        self._http = http_client or httpx2.AsyncClient(timeout=TIMEOUT_SECONDS)

    async def run(self, exchange: Exchange[Result]) -> Result:
        """Return what an exchange returns, or raise what it raises."""
        outcome: Outcome = None
        while True:
            try:
                step = exchange.send(outcome)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            outcome = await self._perform(step)

    async def _perform(self, step: Step) -> Outcome:
        if isinstance(step, Pause):
            await pause(step.seconds)
            return None
        unsigned = _unsigned(self.url, step)
        # To fetch credentials can take a call of another service.
        headers = _bearer(step.token) if step.token else await asyncio.to_thread(self._auth, unsigned)
        request = _authorized(unsigned, headers)
        try:
            return _reply(await self._http.send(request, follow_redirects=False))
        except httpx2.RequestError as error:
            return _failure(error)

    @property
    def is_closed(self) -> bool:
        """Whether the connections were closed, so that no request can be sent."""
        return self._http.is_closed

    async def close(self) -> None:
        """Close the connections, unless the client is the caller's."""
        if self._is_owner:
            await self._http.aclose()


def _unsigned(url: str, request: Request) -> Unsigned:
    query = f"?{urlencode(request.query, quote_via=quote)}" if request.query else ""
    headers = {"Accept": "application/json"}
    content = b""
    if request.body is not None:
        content = json.dumps(request.body).encode()
        headers["Content-Type"] = "application/json"
    return Unsigned(request.method, f"{url}{request.path}{query}", headers, content)


def _bearer(token: Secret) -> Mapping[str, str]:
    return {"Authorization": Secret(f"Bearer {token}")}


def _authorized(unsigned: Unsigned, authorization: Mapping[str, str]) -> httpx2.Request:
    headers = {"User-Agent": USER_AGENT, **unsigned.headers, **authorization}
    return httpx2.Request(unsigned.method, unsigned.url, headers=headers, content=unsigned.content or None)


def _reply(response: httpx2.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, response.content)


def _failure(error: httpx2.RequestError) -> Failure:
    kind = type(error).__name__
    if isinstance(error, NOT_SENT):
        return Failure(f"{kind}: {error}" if str(error) else kind, sent=False)
    return Failure(kind, sent=True)
