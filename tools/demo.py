"""`make demo`: a walkthrough of the local service, which leaves agents signed in."""

import argparse
import json
import random
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tools.local import LocalError
from tools.local.loopback import bypass_proxy
from tools.local.service import FOLDER, require_running

# Agents that stay signed in, each with its number of sessions; none is the agent of the walkthrough.
FLEET = {
    ("Claude", "Project B"): 2,
    ("Claude", "Website"): 1,
    ("Codex", "Project A"): 1,
    ("Gemini", "Release notes"): 3,
    ("Support triage", "Tickets"): 1,
    ("Nightly report", None): 1,
}
# What an agent of the fleet does next, by weight. It validates a bad token once in a while.
ACTIONS = {"validate": 14, "sign in": 3, "sign out": 3, "look up": 2, "bad token": 1}
PAUSE_SECONDS = 0.4
MAX_MINUTES = 24 * 60

FINAL_STATE = """\
{agents} agents are signed in, with {sessions} sessions; an unused session ends after 30 minutes.

make dashboard   draws the dashboard, with these agents in it
make stop        ends the service and deletes its data"""


def main() -> int:
    """Run the walkthrough and start the fleet; print one sentence and return 1 if that fails."""
    parser = argparse.ArgumentParser(prog="tools.demo", description=__doc__)
    parser.add_argument("--minutes", default="0", help="how long the agents keep working, for the dashboard")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the emulator runs")
    arguments = parser.parse_args()
    bypass_proxy()
    try:
        minutes = read_minutes(arguments.minutes)
        api = Api(service_url(arguments.folder))
        walk_through(api)
        sessions = start_fleet(api)
        keep_working(api, sessions, minutes)
        print(FINAL_STATE.format(**count_live(api)))
    except LocalError as error:
        print(f"make demo: {error}", file=sys.stderr)
        return 1
    return 0


def read_minutes(text: str) -> float:
    """Return the minutes that the variable MINUTES names; raises LocalError if it is none, or more than a day."""
    if not re.fullmatch(r"\d{1,4}(\.\d+)?", text, re.ASCII) or float(text) > MAX_MINUTES:
        raise LocalError(f"MINUTES must be a number from 0 to {MAX_MINUTES}, not {text!r}")
    return float(text)


def service_url(folder: Path) -> str:
    """Return the URL of the local service; raises LocalError if it is not running."""
    require_running(folder)
    try:
        return (folder / "url").read_text()
    except FileNotFoundError:
        raise LocalError("the local service is still starting; wait until `make local` has printed its URL") from None


def walk_through(api: "Api") -> None:
    """Make and show the calls of one agent and its owner; raises LocalError if a response is not the expected one."""
    heading("An agent signs in with its name and its context")
    first = api.show("POST", "/sessions", 201, {"agent_name": "Claude", "context": "Project A"})

    heading("It signs in again, in other case and spacing: the same agent, a new session")
    second = api.show("POST", "/sessions", 201, {"agent_name": " CLAUDE ", "context": "project a"})
    if second["agent_id"] != first["agent_id"] or not second["reused"]:
        raise LocalError("the agent was not recognised")

    heading("It validates its token, which also extends its session")
    api.show("GET", "/sessions/current", 200, token=second["session_token"])

    heading("Its owner finds it by name and sees that it is online")
    (agent,) = api.show("GET", "/agents?agent_name=Claude&context=Project%20A", 200)["agents"]
    if not agent["online"]:
        raise LocalError("the agent is not online")

    heading("Its owner lists its sessions, a page at a time")
    api.show("GET", f"/agents/{agent['agent_id']}/sessions?limit=1", 200)

    heading("It signs out")
    api.show("DELETE", "/sessions/current", 204, token=second["session_token"])

    heading("Its token is now invalid")
    api.show("GET", "/sessions/current", 401, token=second["session_token"])

    heading("Its owner ends all its sessions")
    api.show("DELETE", f"/agents/{agent['agent_id']}/sessions", 200)

    heading("A bad request gets a response that names the field and what to change")
    api.show("POST", "/sessions", 400, {"agent_name": "Claude", "contxt": "Project A"})


def start_fleet(api: "Api") -> list[dict[str, Any]]:
    """Sign every agent of the fleet in; return its sessions."""
    heading(f"{len(FLEET)} agents sign in, and stay")
    sessions = []
    for (agent_name, context), count in FLEET.items():
        print(f"  {agent_name}{f' - {context}' if context else ''}: {count} session{'s' if count > 1 else ''}")
        for _ in range(count):
            sessions.append(sign_in(api, agent_name, context))
            api.expect("GET", "/sessions/current", 200, token=sessions[-1]["session_token"])
    print()
    return sessions


def keep_working(api: "Api", sessions: list[dict[str, Any]], minutes: float) -> None:
    """Let the fleet validate, sign in and sign out for some minutes; every agent keeps a session."""
    if not minutes:
        return
    heading(f"They keep working for {minutes:g} minutes")
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        session = random.choice(sessions)  # noqa: S311  not for secrets
        (action,) = random.choices(list(ACTIONS), list(ACTIONS.values()))  # noqa: S311
        if action == "validate":
            api.expect("GET", "/sessions/current", 200, token=session["session_token"])
        elif action == "sign in":
            sessions.append(sign_in(api, session["agent_name"], session["context"]))
        elif action == "sign out" and sum(each["agent_id"] == session["agent_id"] for each in sessions) > 1:
            api.expect("DELETE", "/sessions/current", 204, token=session["session_token"])
            sessions.remove(session)
        elif action == "look up":
            api.expect("GET", f"/agents/{session['agent_id']}", 200)
        elif action == "bad token":
            api.expect("GET", "/sessions/current", 401, token="not-a-token")  # noqa: S106
        time.sleep(random.uniform(0, 2 * PAUSE_SECONDS))  # noqa: S311
    print()


def sign_in(api: "Api", agent_name: str, context: str | None) -> dict[str, Any]:
    """Start a session."""
    return api.expect("POST", "/sessions", 201, {"agent_name": agent_name, "context": context})


def count_live(api: "Api") -> dict[str, int]:
    """Count the fleet's agents that are online, and their sessions."""
    queries = [{"agent_name": name} | ({"context": context} if context else {}) for name, context in FLEET]
    agents = [api.expect("GET", f"/agents?{urlencode(query)}", 200)["agents"][0] for query in queries]
    return {
        "agents": sum(agent["online"] for agent in agents),
        "sessions": sum(agent["active_sessions"] for agent in agents),
    }


class Response(NamedTuple):
    """A status and the JSON of a body."""

    status: int
    body: dict[str, Any]


class Api:
    """The local service."""

    def __init__(self, url: str) -> None:
        self._url = url

    def show(self, method: str, path: str, status: int, body: Any = None, token: str | None = None) -> dict[str, Any]:
        """Print a request and its response, with tokens shortened; raises LocalError if the status is another."""
        print(f"  {method} {path}" + (f"  {json.dumps(body)}" if body else ""))
        if token:
            print(f"  Authorization: Bearer {shortened(token)}")
        response = self._send(method, path, body, token)
        print(f"  {response.status}")
        if response.body:
            secret = {name: shortened(response.body[name]) for name in ("session_token",) if name in response.body}
            text = json.dumps(response.body | secret, indent=2, ensure_ascii=False)
            print("  " + text.replace("\n", "\n  "))
        print()
        return _expected(status, response, f"{method} {path}")

    def expect(self, method: str, path: str, status: int, body: Any = None, token: str | None = None) -> dict[str, Any]:
        """Send a request; raises LocalError if the status of the response is another."""
        return _expected(status, self._send(method, path, body, token), f"{method} {path}")

    def _send(self, method: str, path: str, body: Any, token: str | None) -> Response:
        request = urllib.request.Request(self._url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        except OSError as error:
            raise LocalError(f"{self._url} does not respond: {error}; its log is {FOLDER}/emulator.log") from error
        return Response(status, json.loads(text) if text else {})


def _expected(status: int, response: Response, request: str) -> dict[str, Any]:
    if response.status != status:
        raise LocalError(f"{request} returned {response.status} instead of {status}: {json.dumps(response.body)}")
    return response.body


def heading(line: str) -> None:
    """Announce the next step."""
    print(f"# {line}")


def shortened(token: str) -> str:
    """Return enough of a token to recognise it."""
    return f"…{token[-6:]}"


if __name__ == "__main__":
    sys.exit(main())
