"""Keep web pages away from the emulator, which can create and run functions on this machine.

Any page in a browser here can send requests to localhost. Three headers that a page cannot forge identify them:

- ``Host``: a page whose own DNS name was changed to point to this machine (DNS rebinding) sends that name.
- ``Origin``: a page of another site names itself in every POST, PUT, PATCH, DELETE, preflight and WebSocket
  handshake, and in each GET whose response it wants to read (Fetch Standard, section 3.1).
- ``Sec-Fetch-Site``: images, links and forms send GETs without ``Origin``, but browsers mark them as cross-site
  (Fetch Metadata Request Headers), and AWS's query protocol accepts commands in a GET.

AWS clients, curl and the functions themselves send a local ``Host`` and neither of the others.
"""

import json
import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from ipaddress import ip_address
from typing import Any

type Message = dict[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Message, Receive, Send], Awaitable[None]]

AUTHORITY = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
ORIGIN = re.compile(rf"https?://{AUTHORITY.pattern}", re.ASCII | re.IGNORECASE)


class Guard:
    """Pass requests on to another ASGI application, except those of foreign web pages, which get a 403."""

    def __init__(self, application: Application, hosts: Collection[str] = (), origins: Collection[str] = ()) -> None:
        """Guard an application.

        Args:
            application: The ASGI application that receives the accepted requests.
            hosts: Names of this machine in addition to ``localhost``, its subdomains and loopback addresses.
            origins: Origins of web pages that may call, in addition to those that this machine serves.
        """
        self._application = application
        self._hosts = frozenset(hosts)
        self._origins = frozenset(origins)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request, WebSocket or lifespan."""
        reason = None if scope["type"] == "lifespan" else self.refusal(scope["headers"])
        if reason is None:
            await self._application(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before the handshake ends: status 403
        else:
            body = json.dumps({"message": reason}).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    def refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return why a request with these headers is refused, or None if it is accepted."""
        values: dict[bytes, list[str]] = {b"host": [], b"origin": [], b"sec-fetch-site": []}
        for name, value in headers:
            if name.lower() in values:
                values[name.lower()].append(value.decode("latin-1").strip())
        hosts, origins, sites = values.values()
        if len(hosts) != 1 or not self._is_local(AUTHORITY.fullmatch(hosts[0])):
            return "The local service accepts requests only for localhost, not for another Host."
        if not all(origin in self._origins or self._is_local(ORIGIN.fullmatch(origin)) for origin in origins):
            return "The local service accepts no requests from web pages of another Origin."
        if not origins and "cross-site" in sites:
            return "The local service accepts no requests from web pages of another site."
        return None

    def _is_local(self, match: re.Match[str] | None) -> bool:
        if match is None:
            return False
        name = match["name"].lower()
        if name == "localhost" or name.endswith(".localhost") or name in self._hosts:
            return True
        try:
            return ip_address(name.strip("[]")).is_loopback
        except ValueError:
            return False
