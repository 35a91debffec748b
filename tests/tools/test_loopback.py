"""Calls of this machine to itself bypass every proxy, and a port in use is found before anything starts."""

import socket

import botocore.utils
import pytest
from pytest_socket import enable_socket

from tools.local import LocalError
from tools.local.emulator import aws_environ
from tools.local.loopback import bypass_proxy, free_port, proxy_hides_loopback, require_free_port

URLS = ["http://localhost:4566/", "http://127.0.0.1:4566/", "http://bucket.localhost:4566/"]
PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy"])
def test_botocore_calls_this_machine_without_the_proxy(name: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, PROXY)
    assert botocore.utils.get_environ_proxies(url), "without the bypass it would use the proxy"

    monkeypatch.setattr("os.environ", aws_environ(4566))

    assert not botocore.utils.get_environ_proxies(url)
    assert botocore.utils.get_environ_proxies("http://aws.example/"), "others still use it"


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_bypass_keeps_the_names_that_were_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {name: "registry.example, localhost"}
    bypass_proxy(environ)

    assert environ == {
        "no_proxy": "registry.example,localhost,127.0.0.1,::1",
        "NO_PROXY": "registry.example,localhost,127.0.0.1,::1",
    }


def test_bypass_of_every_proxy_stays() -> None:
    environ = {"no_proxy": "*"}
    bypass_proxy(environ)

    assert environ == {"no_proxy": "*"}


@pytest.mark.parametrize(
    ("environ", "hides"),
    [
        ({}, False),
        ({"HTTPS_PROXY": PROXY}, False),
        ({"http_proxy": ""}, False),
        ({"http_proxy": PROXY}, True),
        ({"ALL_PROXY": PROXY}, True),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "registry.example"}, True),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "registry.example, localhost"}, False),
        ({"HTTP_PROXY": PROXY, "no_proxy": "*"}, False),
    ],
)
def test_proxy_that_hides_this_machine_is_found(environ: dict[str, str], hides: bool) -> None:
    assert proxy_hides_loopback(environ) is hides


@pytest.fixture
def sockets() -> None:
    """Let the test open ports of this machine."""
    enable_socket()


@pytest.mark.usefixtures("sockets")
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])  # noqa: S104
def test_port_in_use_is_named_with_another(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as server:
        server.bind((address, 0))
        server.listen()
        port = server.getsockname()[1]

        with pytest.raises(LocalError, match=rf"^port {port} is in use by another program; .* make local PORT=\d+$"):
            require_free_port(port)


@pytest.mark.usefixtures("sockets")
def test_free_port_can_be_used() -> None:
    require_free_port(free_port())


@pytest.mark.usefixtures("sockets")
def test_machine_without_ipv6_can_use_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoIPv6(socket.socket):
        def __init__(self, family: int = socket.AF_INET) -> None:
            if family == socket.AF_INET6:
                raise OSError(97, "Address family not supported by protocol")
            super().__init__(family)

    monkeypatch.setattr(socket, "socket", NoIPv6)

    require_free_port(free_port())
