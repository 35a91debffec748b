"""A service in memory, and what it returns."""

import json
from collections.abc import Callable
from typing import Any

import httpx2

URL = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
LOCAL_URL = "http://127.0.0.1:4566"
AGENT_ID = "fb873b1c-22d6-5680-ad8c-ab61cb190a6e"
OTHER_AGENT = "0b0b0b0b-0000-4000-8000-000000000009"

Run = Callable[..., tuple[int, str, str]]
"""Runs the command; returns its exit status, output and errors."""


def token(number: int) -> str:
    return f"ags_{number:043d}0AbCdE"


def session(number: int = 1, **changed: Any) -> dict[str, Any]:
    return {
        "session_id": f"d571b74a-ed1b-8fac-9c43-{number:012d}",
        "agent_id": AGENT_ID,
        "owner": "public",
        "agent_name": "Claude",
        "context": "Project A",
        "display_name": "Claude - Project A",
        "identity_key": "claude:project a",
        "avatar_seed": "00r8pa6a",
        "metadata": {},
        "state": None,
        "activity": None,
        "progress_at": None,
        "stop_requested": None,
        "created_at": "2026-11-22T16:19:49Z",
        "last_active": "2026-11-22T16:19:49Z",
        "expires_at": "2099-11-22T16:50:49Z",
        "ends_at": "2099-11-23T04:19:49Z",
    } | changed


def agent(**changed: Any) -> dict[str, Any]:
    return {
        "agent_id": AGENT_ID,
        "owner": "public",
        "agent_name": "Claude",
        "context": "Project A",
        "display_name": "Claude - Project A",
        "identity_key": "claude:project a",
        "avatar_seed": "00r8pa6a",
        "created_at": "2026-11-22T16:19:49Z",
        "last_active": "2026-11-22T16:19:49Z",
        "blocked": False,
    } | changed


def problem(status: int, error: str, detail: str = "as the test wants", **headers: str) -> httpx2.Response:
    body = {"type": "about:blank", "title": "", "status": status, "detail": detail, "error": error, "request_id": "r1"}
    return httpx2.Response(status, json=body, headers=headers | {"Content-Type": "application/problem+json"})


ENDED = problem(401, "InvalidSessionError", "Invalid or expired session")


class Service:
    """Records requests, and responds with what the test has planned, or else as the real service does."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self.live: set[str] = set()
        self.blocked = False
        self.stop: dict[str, str] | None = None
        self.planned: list[httpx2.Response | Exception] = []
        self.signed_in = 0
        self.roster: list[dict[str, Any]] = []
        self.agents: list[dict[str, Any]] = []

    @property
    def calls(self) -> list[str]:
        return [f"{each.method} {each.url.path}" for each in self.requests]

    def body(self, place: int = -1) -> Any:
        return json.loads(self.requests[place].content)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        response = self.planned.pop(0) if self.planned else self._respond(request)
        if isinstance(response, Exception):
            raise response
        # A response can be sent once, and by one kind of client.
        return httpx2.Response(response.status_code, headers=response.headers, content=response.content)

    def _respond(self, request: httpx2.Request) -> httpx2.Response:
        if (request.method, request.url.path) == ("POST", "/sessions"):
            if self.blocked:
                return problem(403, "AgentBlockedError")
            self.signed_in += 1
            self.live.add(token(self.signed_in))
            issued = {"session_token": token(self.signed_in), "reused": self.signed_in > 1}
            return httpx2.Response(201, json=session(self.signed_in) | issued)
        if request.url.path != "/sessions/current":
            return self._respond_to_owner(request)
        presented = request.headers["Authorization"].removeprefix("Bearer ")
        if request.method == "DELETE":
            self.live.discard(presented)
            return httpx2.Response(204)
        if presented not in self.live:
            return ENDED
        reported = json.loads(request.content) if request.content else {}
        number = int(presented[4:47])
        return httpx2.Response(200, json=session(number, stop_requested=self.stop, **reported))

    def _respond_to_owner(self, request: httpx2.Request) -> httpx2.Response:
        _, _, *ids = request.url.path.split("/")
        body = json.loads(request.content) if request.content else {}
        match request.method, request.url.path.count("/"):
            case "GET", 1:
                name = request.url.path[1:]
                return httpx2.Response(
                    200, json={name: getattr(self, "roster" if name == "sessions" else name), "next": None}
                )
            case "PATCH", 2:
                return httpx2.Response(200, json=agent(agent_id=ids[0], **body))
            case "PATCH", 4:
                (asked,) = [each for each in self.roster if each["session_id"] == ids[2]]
                reason = body["stop_requested"]
                stop = None if reason is None else {"reason": reason, "at": "2026-11-22T16:20:00Z"}
                return httpx2.Response(200, json=asked | {"stop_requested": stop})
            case "DELETE", 4:
                self.roster = [each for each in self.roster if each["session_id"] != ids[2]]
                return httpx2.Response(204)
        return problem(404, "NotFoundError")
