"""Docker, which `sam local` needs: it runs the functions in containers."""

import shutil
import socket
import subprocess
from ipaddress import ip_network

from tools.local import LocalError


def require_engine() -> None:
    """Raise LocalError if no Docker engine responds; the message names what is missing."""
    if shutil.which("docker") is None:
        raise LocalError("sam local runs the functions in Docker, and there is no docker command; install Docker")
    if _docker("version", "--format", "{{.Server.Version}}") is None:
        raise LocalError("sam local runs the functions in Docker, and no Docker engine responds; start Docker")


def has_image(name: str) -> bool:
    """Whether this machine has an image."""
    return _docker("image", "inspect", "--format", "{{.Id}}", name) is not None


def bridge_address() -> str | None:
    """Return the address of this machine that only containers reach.

    None if there is no Docker, or if it runs in a virtual machine (Docker Desktop): from there containers
    reach programs that listen on localhost.
    """
    # Newer Docker reports its own address, older Docker only the network, whose first address it takes.
    bridge = _docker(
        "network", "inspect", "bridge", "--format", "{{with index .IPAM.Config 0}}{{or .Gateway .Subnet}}{{end}}"
    )
    if not bridge:
        return None
    network = ip_network(bridge)
    address = str(network[1] if network.num_addresses > 1 else network[0])
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return None
    return address


def _docker(*arguments: str) -> str | None:
    """Return what a docker command prints, or None if it fails."""
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
