"""Every operation: the request that it sends, and what it makes of the response."""

import inspect
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import httpx2
import pytest
from fake_service import AGENT_ID, URL, Service, agent, problem, session

import agent_sessions_client
from agent_sessions_client import (
    ApiError,
    AsyncClient,
    AsyncSignedInSession,
    Client,
    PayloadTooLargeError,
    SignedInSession,
    UnexpectedResponseError,
    ValidationError,
)

SESSION_ID = "d571b74a-ed1b-8fac-9c43-000000000001"
AGENT = f"/agents/{AGENT_ID}"
SESSION = f"{AGENT}/sessions/{SESSION_ID}"


def ok(body: Any) -> httpx2.Response:
    return httpx2.Response(200, json=body)


@pytest.mark.parametrize(
    ("call", "response", "sent", "body"),
    [
        (lambda client: client.agent(AGENT_ID), ok(agent()), f"GET {AGENT}", None),
        (lambda client: client.block(AGENT_ID), ok(agent()), f"PATCH {AGENT}", {"blocked": True}),
        (lambda client: client.unblock(AGENT_ID), ok(agent()), f"PATCH {AGENT}", {"blocked": False}),
        (lambda client: client.delete_agent(AGENT_ID), httpx2.Response(204), f"DELETE {AGENT}", None),
        (
            lambda client: client.request_stop(AGENT_ID, SESSION_ID, "budget used up"),
            ok(session()),
            f"PATCH {SESSION}",
            {"stop_requested": "budget used up"},
        ),
        (
            lambda client: client.withdraw_stop(AGENT_ID, SESSION_ID),
            ok(session()),
            f"PATCH {SESSION}",
            {"stop_requested": None},
        ),
        (lambda client: client.end_session(AGENT_ID, SESSION_ID), httpx2.Response(204), f"DELETE {SESSION}", None),
        (lambda client: client.check_health(), ok({"status": "ok"}), "GET /health", None),
    ],
)
def test_operation_sends_its_request(
    client: Any, service: Service, call: Callable[[Any], Any], response: httpx2.Response, sent: str, body: Any
) -> None:
    service.planned = [response]

    call(client)

    assert service.calls == [sent]
    assert (service.body() if service.requests[0].content else None) == body


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda client: client.end_all_sessions(), "/sessions"),
        (lambda client: client.end_agent_sessions(AGENT_ID), f"{AGENT}/sessions"),
    ],
)
def test_ending_many_continues_until_none_is_left(
    client: Any, service: Service, call: Callable[[Any], int], path: str
) -> None:
    service.planned = [
        ok({"ended": 500, "more": True}),
        ok({"ended": 0, "more": True}),
        ok({"ended": 7, "more": False}),
    ]

    assert call(client) == 507
    assert service.calls == [f"DELETE {path}"] * 3


def test_blocking_continues_until_every_session_was_seen(client: Any, service: Service) -> None:
    cut_short = agent(blocked=True, active_sessions=0, active_sessions_capped=True)
    service.planned = [ok(cut_short), ok(cut_short), ok(agent(blocked=True, active_sessions=1, online=True))]

    assert client.block(AGENT_ID).active_sessions == 1
    assert service.calls == [f"PATCH {AGENT}"] * 3


def test_unblocking_is_one_request(client: Any, service: Service) -> None:
    service.planned = [ok(agent(active_sessions=1000, active_sessions_capped=True, online=True))]

    assert client.unblock(AGENT_ID).active_sessions_capped
    assert service.calls == [f"PATCH {AGENT}"]


@pytest.mark.parametrize(
    ("call", "name", "item"),
    [
        (lambda client: client.sessions(), "sessions", session),
        (lambda client: client.agent_sessions(AGENT_ID), "sessions", session),
        (lambda client: client.agents(), "agents", agent),
    ],
)
def test_list_reads_every_page_even_after_an_empty_one(
    client: Any, service: Service, call: Callable[[Any], Any], name: str, item: Callable[[], Any]
) -> None:
    service.planned = [
        ok({name: [item()], "next": "a/b"}),
        ok({name: [], "next": "c d"}),
        ok({name: [item()], "next": None}),
    ]

    assert len(list(call(client))) == 2
    assert [dict(each.url.params) for each in service.requests] == [{}, {"next": "a/b"}, {"next": "c d"}]


def test_list_that_does_not_advance_is_an_error(client: Any, service: Service) -> None:
    service.planned = [ok({"sessions": [], "next": "a"}) for _ in range(3)]

    with pytest.raises(UnexpectedResponseError, match="the same position"):
        list(client.sessions())


def test_position_that_is_not_a_string_is_an_error(client: Any, service: Service) -> None:
    service.planned = [ok({"sessions": [], "next": 1})]

    with pytest.raises(UnexpectedResponseError, match="position"):
        list(client.sessions())


@pytest.mark.parametrize("body", [{}, {"ended": None}, {"ended": "x", "more": True}])
def test_end_without_a_number_is_an_error(client: Any, service: Service, body: dict[str, Any]) -> None:
    service.planned = [ok(body)]

    with pytest.raises(UnexpectedResponseError, match="number"):
        client.end_all_sessions()


@pytest.mark.parametrize("context", [None, "Prüfung & Co."])
def test_agent_is_found_by_name_and_context(client: Any, service: Service, context: str | None) -> None:
    service.planned = [ok({"agents": [agent(online=True, active_sessions=2)], "next": None})]

    found = client.find_agent("Claude Code", context)

    assert (found.online, found.active_sessions, found.active_sessions_capped) == (True, 2, False)
    expected = {"agent_name": "Claude Code"} | ({"context": context} if context else {})
    assert dict(service.requests[0].url.params) == expected


def test_unknown_agent_is_none(client: Any, service: Service) -> None:
    service.planned = [ok({"agents": [], "next": None})]

    assert client.find_agent("Nobody") is None


def test_session_has_times_and_the_whole_body(client: Any, service: Service) -> None:
    stop = {"reason": "enough", "at": "2026-11-22T16:20:01Z"}
    body = session(progress_at="2026-11-22T16:20:00Z", stop_requested=stop, new_field=1)
    service.planned = [ok({"sessions": [body], "next": None})]

    (read,) = client.sessions()

    assert read.progress_at == datetime(2026, 11, 22, 16, 20, tzinfo=timezone.utc)
    assert read.stop_requested.at == datetime(2026, 11, 22, 16, 20, 1, tzinfo=timezone.utc)
    assert dict(read.body) == body


def test_bad_fields_are_named(client: Any, service: Service) -> None:
    errors = [{"field": "agent_name", "message": "agent_name must be a string"}]
    body = {"status": 400, "detail": "Invalid input", "error": "ValidationError", "request_id": "r1", "errors": errors}
    service.planned = [httpx2.Response(400, json=body)]

    with pytest.raises(ValidationError, match="agent_name must be a string") as raised:
        client.sign_in("")

    assert [(each.field, each.message) for each in raised.value.problem.errors] == [
        ("agent_name", "agent_name must be a string")
    ]
    assert raised.value.problem.request_id == "r1"


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx2.Response(413, json={"message": "Request Entity Too Large"}), PayloadTooLargeError),
        (problem(409, "ErrorOfALaterVersion"), ApiError),
        (httpx2.Response(404, json={"message": "Not Found"}), UnexpectedResponseError),
        (httpx2.Response(404, text="<html>"), UnexpectedResponseError),
        (httpx2.Response(302, headers={"Location": "https://elsewhere.example"}), UnexpectedResponseError),
        (httpx2.Response(200, text="<html>"), UnexpectedResponseError),
        (httpx2.Response(200, json=[1]), UnexpectedResponseError),
        (httpx2.Response(200, json={"agent_id": AGENT_ID}), UnexpectedResponseError),
        (httpx2.Response(200, json=agent(created_at="yesterday")), UnexpectedResponseError),
        (httpx2.Response(200, json=agent(created_at=1764000000)), UnexpectedResponseError),
        (httpx2.Response(200, json=agent(created_at=None)), UnexpectedResponseError),
    ],
)
def test_response_of_another_kind_is_an_error(
    client: Any, service: Service, response: httpx2.Response, error: type[Exception]
) -> None:
    service.planned = [response]

    with pytest.raises(error) as raised:
        client.agent(AGENT_ID)

    assert type(raised.value) is error
    assert len(service.calls) == 1


@pytest.mark.parametrize(
    "url",
    [
        *(
            "ftp://example.com",
            "example.com",
            "",
            "https://",
            "https://user:secret@example.com",
            "https://example.com?x=1",
        ),
        *("http://127.0.0.1:port", "http://127.0.0.1:99999", "http://127.0.0.1:0", "https://[::1", "https://a..b"),
    ],
)
def test_bad_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^url must"):
        Client(url)


def test_plain_http_is_refused_except_on_this_machine(make: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="unencrypted"):
        Client("http://agents.example.com")

    for url in ("http://127.0.0.1:4566", "http://localhost:1", "http://[::1]:1", "http://api.localhost:4566/path"):
        make(url)
    make("http://agents.example.com", allow_http=True)


def test_path_of_the_url_is_kept(make: Callable[..., Any], service: Service) -> None:
    service.planned = [ok({"status": "ok"})]

    make(f"{URL}/stage/").check_health()

    assert service.calls == ["GET /stage/health"]


@pytest.mark.parametrize(
    ("threads", "asyncio"), [(Client, AsyncClient), (SignedInSession, AsyncSignedInSession)], ids=["client", "session"]
)
def test_both_clients_have_the_same_methods(threads: type, asyncio: type) -> None:
    def methods(kind: type) -> dict[str, list[str]]:
        found = inspect.getmembers(kind, inspect.isroutine)
        return {name: list(inspect.signature(each).parameters) for name, each in found if not name.startswith("_")}

    assert methods(threads) == methods(asyncio)


def test_exported_names() -> None:
    assert agent_sessions_client.__all__ == [
        "UNCHANGED",
        "Agent",
        "AgentBlockedError",
        "AgentSessionsError",
        "ApiError",
        "AsyncClient",
        "AsyncSignedInSession",
        "Auth",
        "AwsAuth",
        "BadField",
        "CallerError",
        "Client",
        "ConnectionFailedError",
        "CredentialsError",
        "InternalError",
        "InvalidSessionError",
        "JwtAuth",
        "NoAuth",
        "NotFoundError",
        "PayloadTooLargeError",
        "Problem",
        "Retries",
        "Session",
        "SignedInSession",
        "State",
        "StopRequest",
        "ThrottledError",
        "UnavailableError",
        "UnexpectedResponseError",
        "ValidationError",
        "auth_from_environment",
    ]
