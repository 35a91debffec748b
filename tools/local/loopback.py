"""Ports and proxies: this machine's own addresses."""

import errno
import os
import socket
from collections.abc import Mapping, MutableMapping

from tools.local import LocalError

LOCALHOST = "127.0.0.1"
LOOPBACK_NAMES = ("localhost", LOCALHOST, "::1")
MAX_PORT = 65_535


def bypass_proxy(environ: MutableMapping[str, str] = os.environ) -> None:
    """Let every HTTP client that reads these variables reach this machine without the proxy that they name.

    urllib, botocore, SAM CLI and curl read ``no_proxy`` or ``NO_PROXY``, in either order of preference.
    """
    current = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    names = [name.strip() for name in current.split(",") if name.strip()]
    if "*" in names:
        return
    merged = ",".join([*names, *(name for name in LOOPBACK_NAMES if name not in names)])
    environ["no_proxy"] = environ["NO_PROXY"] = merged


def proxy_hides_loopback(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment sends even calls of this machine to itself through a proxy."""
    proxies = {name.lower() for name, value in environ.items() if value}
    excluded = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(",")
    return bool(proxies & {"http_proxy", "all_proxy"}) and not {"*", "localhost"} & {each.strip() for each in excluded}


def require_free_port(port: int) -> None:
    """Raise LocalError if a program listens on a port of this machine.

    A program on the IPv6 loopback address counts too: clients may try ``localhost`` there first.
    """
    for family, address in ((socket.AF_INET, LOCALHOST), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                # Without it, a connection that has just ended would keep the port for a minute.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                other = port + 1 if port < MAX_PORT else port - 1
                raise LocalError(
                    f"port {port} is in use by another program; stop it, or choose another: make local PORT={other}"
                ) from None
            if family == socket.AF_INET:  # a machine may have no IPv6
                raise LocalError(f"port {port} cannot be used: {error.strerror}") from None


def free_port() -> int:
    """Return a port on which no program listens."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        port: int = probe.getsockname()[1]
        return port
