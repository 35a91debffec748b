"""The life of one agent: each call of the Python client, with the request that it sends and the response."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from agent_sessions_client import AgentSessionsError, Client, InvalidSessionError, ValidationError

from tools.local import LocalError
from tools.local.service import FOLDER


def run(url: str) -> None:
    """Make and show the calls of one agent and its owner; raises LocalError if a response is not the expected one."""
    hooks: dict[str, list[Callable[..., None]]] = {"request": [show_request], "response": [show_response]}
    with explained(url), httpx2.Client(event_hooks=hooks, timeout=30) as http_client:
        walk(Client(url, http_client=http_client))


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn an error of the client into a LocalError."""
    try:
        yield
    except AgentSessionsError as error:
        raise LocalError(f"{url} does not respond as expected: {error}; its log is {FOLDER}/emulator.log") from None


def walk(client: Client) -> None:
    """Make the calls."""
    heading("An agent signs in with its name and its context")
    first = client.sign_in("Claude", "Project A")

    heading("It signs in again, in other case and spacing: the same agent, a new session")
    second = client.sign_in(" CLAUDE ", "project a")
    expect(second.agent_id == first.agent_id and second.reused is True, "the agent was not recognised")

    heading("It reports what it is doing, which also extends its session")
    second.progress("working", "reviewing PR 12")

    heading("Its owner finds it by name and sees that it is online")
    agent = client.find_agent("Claude", "Project A")
    expect(agent is not None and agent.online is True, "the agent is not online")

    heading("Its owner lists its sessions, and asks one to stop")
    expect(len(list(client.agent_sessions(second.agent_id))) >= 2, "a session is missing")
    client.request_stop(second.agent_id, second.session_id, "the budget of this run is used up")

    heading("The agent reads the reason when it next validates its token, and signs out")
    expect(second.touch().stop_requested is not None, "the stop request is missing")
    second.sign_out()

    heading("Its token is now invalid")
    with refused(InvalidSessionError):
        client.resume(second.session_token)

    heading("Its owner ends all its sessions")
    client.end_agent_sessions(second.agent_id)

    heading("A bad request gets a response that names the field and what to change")
    with refused(ValidationError):
        client.sign_in("Claude\u200b", "Project A")


@contextmanager
def refused(kind: type[AgentSessionsError]) -> Iterator[None]:
    """Expect an error of this kind; raises LocalError if there is none."""
    try:
        yield
    except kind:
        return
    raise LocalError(f"a request succeeded that {kind.__name__} should have refused")


def expect(condition: bool, otherwise: str) -> None:
    """Raise LocalError unless the condition is met."""
    if not condition:
        raise LocalError(otherwise)


def heading(line: str) -> None:
    """Announce the next step."""
    print(f"# {line}")


def show_request(request: httpx2.Request) -> None:
    """Print a request, with its token shortened."""
    path = request.url.raw_path.decode().rpartition("default")[2]
    print(f"  {request.method} {path}" + (f"  {request.content.decode()}" if request.content else ""))
    if "Authorization" in request.headers:
        print(f"  Authorization: Bearer {shortened(request.headers['Authorization'])}")


def show_response(response: httpx2.Response) -> None:
    """Print a response, with its token shortened."""
    response.read()
    print(f"  {response.status_code}")
    if response.content:
        body: dict[str, Any] = response.json()
        secret = {name: shortened(body[name]) for name in ("session_token",) if name in body}
        text = json.dumps(body | secret, indent=2, ensure_ascii=False)
        print("  " + text.replace("\n", "\n  "))
    print()


def shortened(token: str) -> str:
    """Return enough of a token to recognise it."""
    return f"…{token[-6:]}"
