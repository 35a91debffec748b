"""The Python client against the real service, with threads and with asyncio, also when responses are lost."""

import asyncio
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import documents
import httpx2
import pytest
from agent_sessions_client import (
    AgentBlockedError,
    AsyncClient,
    AwsAuth,
    CallerError,
    Client,
    ConnectionFailedError,
    InvalidSessionError,
    NotFoundError,
    ValidationError,
)
from agent_sessions_client.cli.main import main
from botocore.session import Session as BotocoreSession

from tests.e2e.conftest import Api, wait_for
from tests.e2e.test_iam import MAY_CALL_ANY_API
from tests.guards.leaks import LEAKS
from tools import ROOT
from tools.local import service
from tools.local.emulator import Emulator


class Watched(httpx2.HTTPTransport):
    """Searches requests and responses for tokens, and loses the responses to the methods in ``lost``, once each."""

    def __init__(self, lost: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.sent: list[str] = []
        self._lost = list(lost)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        name = f"{request.method} {request.url.path.rpartition('$default')[2]}"
        LEAKS.check_request(name, str(request.url), request.content, headers=dict(request.headers))
        response = super().handle_request(request)
        response.read()
        LEAKS.check_response(name, response.status_code, dict(response.headers), response.text)
        self.sent.append(request.method)
        if request.method in self._lost:
            self._lost.remove(request.method)
            raise httpx2.ReadError("the test lost the response", request=request)
        return response


@pytest.fixture
def connect(api: Api) -> Iterator[Callable[..., Client]]:
    """Makes clients of the service, whose transport loses responses."""
    opened: list[httpx2.Client] = []

    def connect(
        *lost: str, url: str = api.url, transport: Watched | None = None, auth: AwsAuth | None = None
    ) -> Client:
        opened.append(httpx2.Client(transport=transport or Watched(lost), trust_env=False, timeout=60))
        return Client(url, auth, http_client=opened[-1], allow_http=True)

    yield connect
    for each in opened:
        each.close()


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()


def test_agent_reports_and_its_owner_stops_it(client: Client) -> None:
    with client.signed_in("Reporter", "Client", metadata={"model": "opus"}) as session:
        assert session.reused is False
        assert session.progress("working", "reviewing PR 12").state == "working"
        shown = wait_for(
            lambda: next((each for each in client.sessions() if each.session_id == session.session_id), None)
        )
        assert (shown.activity, dict(shown.metadata)) == ("reviewing PR 12", {"model": "opus"})
        assert [each.session_id for each in client.agent_sessions(session.agent_id)] == [session.session_id]

        client.request_stop(session.agent_id, session.session_id, "budget used up")
        assert session.touch().stop_requested == session.stop_requested
        assert session.stop_requested is not None
        assert session.stop_requested.reason == "budget used up"
        client.withdraw_stop(session.agent_id, session.session_id)
        assert session.progress(None, None).stop_requested is None

    found = client.find_agent(" REPORTER ", "client")
    assert found is not None
    assert (found.agent_id, found.online, found.active_sessions) == (session.agent_id, False, 0)
    assert session.agent_id in {each.agent_id for each in client.agents()}
    with pytest.raises(InvalidSessionError):
        client.resume(session.session_token)


def test_ended_session_comes_back_and_blocked_agent_does_not(client: Client) -> None:
    session = client.sign_in("Comeback")
    client.end_session(session.agent_id, session.session_id)
    first = session.session_id

    assert session.touch().session_id != first
    assert client.end_agent_sessions(session.agent_id) == 1
    assert client.resume(client.sign_in("Comeback").session_token).touch().agent_id == session.agent_id

    assert client.block(session.agent_id).active_sessions == 0
    with pytest.raises(AgentBlockedError):
        session.progress("working")
    with pytest.raises(InvalidSessionError):
        session.touch()
    assert client.unblock(session.agent_id).blocked is False
    client.delete_agent(session.agent_id)
    with pytest.raises(NotFoundError):
        client.agent(session.agent_id)


def test_exclusive_session_gives_way(client: Client) -> None:
    first = client.sign_in("Alone again", exclusive=True)
    client.sign_in("Alone again", exclusive=True)

    with pytest.raises(InvalidSessionError):
        first.touch()


def test_bad_field_is_named(client: Client) -> None:
    with pytest.raises(ValidationError) as raised:
        client.sign_in("Claude", metadata={"Bad Key": "x"})

    assert [each.field for each in raised.value.problem.errors] == ["metadata"]


def test_health_check_succeeds(client: Client) -> None:
    client.check_health()


def test_asyncio_client_walks_through_the_api(api: Api) -> None:
    async def walk() -> None:
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as http_client:
            client = AsyncClient(api.url, http_client=http_client)
            async with client.signed_in("Looper", touch_every=0.2) as session:
                LEAKS.tokens.remember(session.session_token)
                assert (await session.progress("waiting", "asking Ada")).state == "waiting"
                await client.request_stop(session.agent_id, session.session_id, "enough")
                async with asyncio.timeout(60):
                    while session.stop_requested is None:
                        await asyncio.sleep(0.05)
                assert [each.session_id async for each in client.agent_sessions(session.agent_id)] == [
                    session.session_id
                ]
            agent = await client.agent(session.agent_id)
            assert agent.online is False

    asyncio.run(walk())


# -- responses that are lost after the service has executed the request


def test_lost_sign_in_is_not_repeated(connect: Callable[..., Client], client: Client) -> None:
    transport = Watched(("POST",))
    with pytest.raises(ConnectionFailedError) as raised:
        connect(transport=transport).sign_in("Lost")

    assert raised.value.sent
    assert transport.sent == ["POST"]
    found = client.find_agent("Lost")
    assert found is not None
    assert found.active_sessions == 1


def test_lost_deletion_succeeds(connect: Callable[..., Client], client: Client) -> None:
    agent_id = client.sign_in("Deleted").agent_id
    transport = Watched(("DELETE",))

    connect(transport=transport).delete_agent(agent_id)

    assert transport.sent == ["DELETE", "DELETE"]
    assert client.find_agent("Deleted") is None


def test_lost_report_is_repeated(connect: Callable[..., Client]) -> None:
    session = connect("PATCH").sign_in("Repeater")

    assert session.progress("working").state == "working"


# -- credentials


def test_signed_requests_of_the_client_are_accepted(
    deploy: Callable[..., Api], emulator: Emulator, aws: Callable[[str], object], connect: Callable[..., Client]
) -> None:
    url = deploy("with-iam", ApiAuth="AWS_IAM").outputs["ApiUrl"]
    iam = aws("iam")
    iam.create_user(UserName="client")  # type: ignore[attr-defined]
    iam.put_user_policy(UserName="client", PolicyName="api", PolicyDocument=MAY_CALL_ANY_API)  # type: ignore[attr-defined]
    key = iam.create_access_key(UserName="client")["AccessKey"]  # type: ignore[attr-defined]
    signer = BotocoreSession()
    signer.set_credentials(key["AccessKeyId"], key["SecretAccessKey"])

    class ToEmulator(Watched):
        """Sends requests to the emulator, which knows the API by the Host header."""

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            local = urlsplit(emulator.url)
            request.url = request.url.copy_with(scheme="http", host=local.hostname, port=local.port)
            return super().handle_request(request)

    client = connect(url=url, transport=ToEmulator(), auth=AwsAuth(region="us-east-1", session=signer))
    with client.signed_in("Signed", "Prüfung & Co.") as session:
        found = client.find_agent("signed", "Prüfung & Co.")
        assert found is not None
        assert found.agent_id == session.agent_id
        assert session.session.owner == "iam:arn:aws:iam::000000000000:user/client"

    with pytest.raises(CallerError):
        connect(url=url, transport=ToEmulator()).sign_in("Unsigned")


# -- the hooks of coding agents


def test_coding_agent_shows_up_and_reads_a_stop_request(
    api: Api, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("API_URL", api.url)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def fire(event: str, **fields: str) -> str:
        body = {"hook_event_name": event, "session_id": "conversation-1", "cwd": "/nowhere/hooked", **fields}
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(body).encode())))
        assert main(["hook", "claude"]) == 0
        return capsys.readouterr().out

    assert fire("SessionStart", model="opus") == ""
    agent = client.find_agent("Claude Code", "hooked")
    assert agent is not None
    assert fire("UserPromptSubmit", prompt="secret plan") == ""
    assert fire("Notification") == ""
    (session,) = client.agent_sessions(agent.agent_id)
    assert (session.state, session.activity, session.metadata["model"]) == ("waiting", "for a permission", "opus")

    client.request_stop(agent.agent_id, session.session_id, "budget used up")
    assert "budget used up" in fire("PostToolUse", tool_name="Bash")
    assert fire("SessionEnd") == ""
    assert list(client.agent_sessions(agent.agent_id)) == []


# -- the documents


@pytest.mark.parametrize(
    ("document", "section"), [("docs/client.md", None), ("docs/cli.md", None), ("README.md", "Four interfaces")]
)
def test_examples_of_the_document_run(
    api: Api,
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    document: str,
    section: str | None,
) -> None:
    for name in ("API_AUTH", "API_JWT", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("API_URL", api.url)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "clients/python/src"))

    if section:  # what `make authorizer` does beside the local service
        service.authorizer(emulator.folder)
        monkeypatch.setenv("WHOAMI_URL", capfd.readouterr().out.partition("WHOAMI_URL='")[2].partition("'")[0])
        (tmp_path / "Makefile").write_text("authorizer:\n")

    assert documents.run(ROOT / document, tmp_path, section) >= 2

    # curl succeeds with a response that is an error. The one of an API after sign-out is right.
    printed = capfd.readouterr().out
    printed, *others = printed.split('{"message": "Forbidden"}')
    assert len(others) == (1 if section else 0)
    printed += "".join(others)
    assert not re.findall(r'"error": ?[{"].*|"isError": ?true.*|\{"message":.*', printed)
    assert section is None or printed.count('"isError":false') == 3
