"""No token and no key is in any exception, log line or repr, whatever goes wrong."""

import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from fake_service import ENDED, Service, problem, session, token

from agent_sessions_client import AgentSessionsError, JwtAuth, Retries

ACCESS_TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3b3JrZXIifQ.c2lnbmF0dXJl"
SECRETS = (token(1), token(2), ACCESS_TOKEN)


def garbled(status: int) -> httpx2.Response:
    """A response with the token in it, which is not what the API sends."""
    return httpx2.Response(status, content=f'{{"session_token": "{token(1)}", '.encode())


FAULTS: list[httpx2.Response | Exception] = [
    ENDED,
    problem(403, "AgentBlockedError"),
    problem(503, "DatabaseError"),
    httpx2.Response(403, json={"message": "Forbidden"}),
    garbled(200),
    garbled(201),
    garbled(500),
    httpx2.Response(201, json={"session_token": token(1)}),
    httpx2.Response(201, json=session(session_token=token(1), reused=False, created_at="never")),
    httpx2.Response(200, json={"session_token": token(1), "sessions": 1}),
    httpx2.Response(302, headers={"Location": f"https://elsewhere.example/{token(1)}"}),
    httpx2.ConnectError("connection refused"),
    httpx2.ReadTimeout("no response"),
    httpx2.LocalProtocolError(f"Illegal header value b'Bearer {token(1)}'"),
    httpx2.RemoteProtocolError(f"peer sent {token(1)}"),
]


def written(error: BaseException) -> Iterator[str]:
    """All that a program can print of an exception and of those before it, with the locals of this package's frames."""
    for each in traceback.walk_tb(error.__traceback__):
        names = each[0].f_locals
        yield from (repr(value) for value in names.values() if "agent_sessions_client" in each[0].f_code.co_filename)
    yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
    for other in (error.__cause__, error.__context__):
        if other is not None:
            yield from written(other)


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{type(fault).__name__}-{getattr(fault, 'status_code', '')}"
)
@pytest.mark.parametrize(
    "call",
    [
        lambda client, _: client.sign_in("Claude"),
        lambda _, session: session.touch(),
        lambda _, session: session.progress("working"),
        lambda _, session: session.sign_out(),
        lambda client, _: list(client.sessions()),
        lambda client, _: client.agent("x"),
    ],
    ids=["sign in", "touch", "progress", "sign out", "roster", "agent"],
)
def test_no_secret_is_in_an_exception_a_log_line_or_a_repr(
    make: Callable[..., Any],
    service: Service,
    caplog: pytest.LogCaptureFixture,
    fault: httpx2.Response | Exception,
    call: Callable[[Any, Any], Any],
) -> None:
    caplog.set_level(logging.DEBUG)
    client = make(auth=JwtAuth(ACCESS_TOKEN), retries=Retries(attempts=2))
    signed_in = client.sign_in("Claude")
    service.planned = [fault, fault]

    texts = [repr(client), repr(signed_in), repr(signed_in.session), str(signed_in.session)]
    try:
        call(client, signed_in)
    except AgentSessionsError as error:
        texts += written(error)
        led_to_httpx2 = refers_to_httpx2(error)
    else:
        led_to_httpx2 = False
    texts += [record.getMessage() + repr(record.args) for record in caplog.records]

    assert not led_to_httpx2
    assert not [(text, secret) for text in texts for secret in SECRETS if secret in text]


def refers_to_httpx2(error: BaseException) -> bool:
    """Whether an exception leads to one of httpx2, whose request has the headers."""
    chain = [error]
    while chain[-1].__context__ is not None:
        chain.append(chain[-1].__context__)
    return any(isinstance(each, httpx2.HTTPError) for each in chain)


def test_search_finds_a_planted_secret() -> None:
    def planted() -> None:
        session_token = token(1)
        raise AgentSessionsError(f"planted {session_token}")

    with pytest.raises(AgentSessionsError) as raised:
        planted()

    assert any(token(1) in text for text in written(raised.value))


@pytest.mark.parametrize("bad", ["", "two words", f"{token(1)}\r\nX: y", "ключ", "x" * 201])
def test_token_that_no_header_carries_is_not_repeated(client: Any, service: Service, bad: str) -> None:
    with pytest.raises(ValueError, match=r"^session_token is not a session token$") as raised:
        client.resume(bad)

    assert service.calls == []
    assert raised.value.__context__ is None
