"""Docker, where it is needed: for `sam local`, which runs the functions in containers."""

import shutil
import socket
import subprocess
from ipaddress import ip_network

from tools.local.emulator import LocalError


def require_engine() -> None:
    """Raise LocalError where no Docker engine answers; the message says what is missing."""
    if shutil.which("docker") is None:
        raise LocalError("sam local runs the functions in Docker, and there is no docker command; install Docker")
    if _asked("version", "--format", "{{.Server.Version}}") is None:
        raise LocalError("sam local runs the functions in Docker, and no Docker engine answers; start Docker")


def has_image(name: str) -> bool:
    """Whether this machine has an image."""
    return _asked("image", "inspect", "--format", "{{.Id}}", name) is not None


def bridge_address() -> str | None:
    """Return the address of this machine under which containers reach it, and nobody else does.

    None where there is no Docker, or where it runs in a machine of its own (Docker Desktop): from there
    containers reach what listens on localhost.
    """
    # A younger Docker tells its own address; an older one only the network, of which it takes the first.
    told = _asked(
        "network", "inspect", "bridge", "--format", "{{with index .IPAM.Config 0}}{{or .Gateway .Subnet}}{{end}}"
    )
    if not told:
        return None
    network = ip_network(told)
    address = str(network[1] if network.num_addresses > 1 else network[0])
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return None
    return address


def _asked(*question: str) -> str | None:
    """Return what Docker says; None where it does not answer."""
    try:
        asked = subprocess.run(["docker", *question], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip()
