"""`make demo`: the main story against the local service, each call with its answer."""

import json
import sys
import urllib.error
import urllib.request
from typing import Any

from tools.local import LocalError
from tools.local.loopback import bypass_proxy
from tools.local.service import FOLDER, require_running


def main() -> int:
    """Run the walkthrough; print one sentence and return 1 if it fails."""
    bypass_proxy()
    try:
        walk_through(Api(service_url()))
    except LocalError as error:
        print(f"make demo: {error}", file=sys.stderr)
        return 1
    return 0


def service_url() -> str:
    """Return the URL of the local service; raises LocalError if it is not running."""
    require_running()
    try:
        return (FOLDER / "url").read_text()
    except FileNotFoundError:
        raise LocalError("the local service is still starting; wait until `make local` has printed its URL") from None


def walk_through(api: "Api") -> None:
    """Make every call, and show each with its response; raises LocalError if one is not as expected."""
    say("An agent signs in with its name and what it works on")
    first = api.call("POST", "/sessions", 201, {"agent_name": "Claude", "context": "Project A"})

    say("It comes back, spelt differently: the same agent, a new session")
    second = api.call("POST", "/sessions", 201, {"agent_name": " CLAUDE ", "context": "project a"})
    require(second["agent_id"] == first["agent_id"] and second["reused"], "the agent was not recognised")

    say("The token tells who it is, and keeps the session alive")
    api.call("GET", "/sessions/current", 200, token=second["session_token"])

    say("Its owner finds it by name and sees that it is online")
    agent = api.call("GET", "/agents?agent_name=Claude&context=Project%20A", 200)
    require(agent["online"], "the agent is not online")

    say("Its sessions are listed by handle, a page at a time")
    api.call("GET", f"/agents/{agent['agent_id']}/sessions?limit=1", 200)

    say("It signs out")
    api.call("DELETE", "/sessions/current", 204, token=second["session_token"])

    say("From then on the token is worth nothing")
    api.call("GET", "/sessions/current", 401, token=second["session_token"])

    say("Its owner signs it out everywhere")
    api.call("DELETE", f"/agents/{agent['agent_id']}/sessions", 200)

    say("Bad input is told what to change")
    api.call("POST", "/sessions", 400, {"agent_name": "Claude", "contxt": "Project A"})


class Api:
    """Calls the local service and prints what it says; of a token only the end."""

    def __init__(self, url: str) -> None:
        self._url = url

    def call(
        self, method: str, path: str, expected: int, body: dict[str, str] | None = None, token: str | None = None
    ) -> dict[str, Any]:
        """Send a request; print it and its answer; stop the story where the status is another."""
        print(f"  {method} {path}" + (f"  {json.dumps(body)}" if body else ""))
        if token:
            print(f"  Authorization: Bearer {shortened(token)}")
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
            raise LocalError(f"{self._url} does not respond ({error}); its log is {FOLDER}/emulator.log") from error
        answer: dict[str, Any] = json.loads(text) if text else {}
        print(f"  {status}")
        if answer:
            shown = answer | (
                {"session_token": shortened(answer["session_token"])} if "session_token" in answer else {}
            )
            print("  " + json.dumps(shown, indent=2, ensure_ascii=False).replace("\n", "\n  "))
        print()
        require(status == expected, f"expected {expected}")
        return answer


def say(line: str) -> None:
    """Announce the next part of the story."""
    print(f"# {line}")


def shortened(token: str) -> str:
    """Return enough of a token to tell it from another."""
    return f"…{token[-6:]}"


def require(condition: bool, otherwise: str) -> None:
    """Raise LocalError unless a condition is true."""
    if not condition:
        raise LocalError(otherwise)


if __name__ == "__main__":
    sys.exit(main())
