"""Web pages of other sites reach neither the API nor AWS's services on the emulator; nor do other machines."""

import os
import re
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.e2e.conftest import Api
from tools.local.emulator import Emulator

EVIL = {"Origin": "https://evil.example"}
PREFLIGHT = EVIL | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
LISTENS = "0A"  # the state of a socket in /proc/net/tcp


def status(
    url: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
) -> tuple[int, str]:
    request = urllib.request.Request(url, body, headers or {}, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture(params=["path of the API", "host of the API", "AWS"])
def target(request: pytest.FixtureRequest, api: Api, emulator: Emulator) -> tuple[str, str]:
    """A URL of the emulator, and the Host under which clients call it."""
    host = urlsplit(api.outputs["ApiUrl"]).netloc
    return {
        "path of the API": (f"{api.url}/sessions", f"localhost:{emulator.port}"),
        "host of the API": (f"{emulator.url}/sessions", host),
        "AWS": (f"{emulator.url}/", f"localhost:{emulator.port}"),
    }[request.param]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_request_of_another_origin_gets_403(target: tuple[str, str], method: str) -> None:
    url, host = target

    code, text = status(url, method, EVIL | {"Host": host}, b'{"agent_name": "Claude"}')

    assert code == 403
    assert "Origin" in text or method == "HEAD"


def test_preflight_of_another_origin_gets_403(target: tuple[str, str]) -> None:
    url, host = target

    code, text = status(url, "OPTIONS", PREFLIGHT | {"Host": host})

    assert code == 403
    assert "Origin" in text


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_request_for_another_host_gets_403(target: tuple[str, str], emulator: Emulator, method: str) -> None:
    code, text = status(target[0], method, {"Host": f"rebind.example:{emulator.port}"})

    assert code == 403
    assert "Host" in text


def test_host_of_an_api_under_another_domain_gets_403(api: Api, emulator: Emulator) -> None:
    api_id = urlsplit(api.outputs["ApiUrl"]).netloc.partition(".")[0]

    assert status(f"{emulator.url}/sessions", headers={"Host": f"{api_id}.execute-api.rebind.example"})[0] == 403


def test_command_in_the_link_of_another_site_gets_403(emulator: Emulator, aws: Callable[[str], Any]) -> None:
    query = "Action=CreateUser&UserName=planted&Version=2010-05-08"

    marked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    code, _ = status(f"{emulator.url}/?{query}", headers=marked)

    assert code == 403
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws("iam").get_user(UserName="planted")


def test_websocket_of_another_origin_is_refused(emulator: Emulator) -> None:
    handshake = (
        "GET /_aws/execute-api/a1b2c3d4/live HTTP/1.1\r\n"
        f"Host: localhost:{emulator.port}\r\nOrigin: https://evil.example\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=60) as connection:
        connection.sendall(handshake.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 403")


def test_page_of_this_machine_is_accepted(api: Api) -> None:
    assert status(f"{api.url}/health", headers={"Origin": "http://localhost:5173"}) == (200, '{"status":"ok"}')


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_emulator_listens_on_loopback_addresses_only(emulator: Emulator) -> None:
    sockets = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(process.name)) == emulator.pid:
                links = [str(link.readlink()) for link in (process / "fd").iterdir()]
                sockets |= {inode for link in links for inode in re.findall(r"socket:\[(\d+)\]", link)}
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
    listening = []
    for table in ("tcp", "tcp6"):
        for line in (Path("/proc/net") / table).read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if inode in sockets and state == LISTENS:
                listening.append(local)

    assert listening == [f"0100007F:{emulator.port:04X}"]
