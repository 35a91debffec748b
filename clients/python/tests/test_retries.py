"""When a request is sent again, how long the pause is, and when it is not."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fake_service import AGENT_ID, Service, agent, problem

from agent_sessions_client import (
    ConnectionFailedError,
    InternalError,
    NotFoundError,
    Retries,
    ThrottledError,
    UnavailableError,
)

LOST = httpx2.ReadTimeout("no response")
REFUSED = httpx2.ConnectError("connection refused")


def unavailable(**headers: str) -> httpx2.Response:
    return problem(503, "DatabaseError", **headers)


def test_unavailable_service_is_tried_five_times(client: Any, service: Service, pauses: list[float]) -> None:
    service.planned = [unavailable() for _ in range(9)]

    with pytest.raises(UnavailableError) as raised:
        client.agent(AGENT_ID)

    assert len(service.calls) == raised.value.attempts == 5
    assert pauses == [0.25, 0.5, 1.0, 2.0]


def test_throttled_request_succeeds_later(client: Any, service: Service, pauses: list[float]) -> None:
    throttled = httpx2.Response(429, json={"message": "Too Many Requests"})
    service.planned = [throttled, throttled, httpx2.Response(200, json=agent())]

    assert client.agent(AGENT_ID).agent_id == AGENT_ID
    assert len(service.calls) == 3
    assert pauses == [0.25, 0.5]


def test_retry_after_is_the_least_pause(client: Any, service: Service, pauses: list[float]) -> None:
    service.planned = [unavailable(**{"Retry-After": "7"}), httpx2.Response(200, json=agent())]

    client.agent(AGENT_ID)

    assert pauses == [7.25]


def test_retry_after_beyond_the_longest_wait_is_raised_at_once(
    make: Callable[..., Any], service: Service, pauses: list[float]
) -> None:
    service.planned = [unavailable(**{"Retry-After": "60"})]

    with pytest.raises(UnavailableError) as raised:
        make(retries=Retries(longest_wait=59)).agent(AGENT_ID)

    assert (raised.value.retry_after, len(service.calls), pauses) == (60, 1, [])


def test_throttling_is_raised_with_the_words_of_the_gateway(make: Callable[..., Any], service: Service) -> None:
    service.planned = [httpx2.Response(429, json={"message": "Too Many Requests"})]

    with pytest.raises(ThrottledError, match="429 from API Gateway: Too Many Requests"):
        make(retries=Retries(attempts=1)).agent(AGENT_ID)


def test_internal_error_is_not_tried_again(client: Any, service: Service) -> None:
    service.planned = [problem(500, "InternalError")]

    with pytest.raises(InternalError, match="request r1"):
        client.agent(AGENT_ID)

    assert len(service.calls) == 1


@pytest.mark.parametrize("failure", [LOST, REFUSED, httpx2.RemoteProtocolError("closed")])
def test_request_without_response_is_tried_again(client: Any, service: Service, failure: Exception) -> None:
    service.planned = [failure, failure, httpx2.Response(200, json=agent())]

    assert client.agent(AGENT_ID).agent_id == AGENT_ID
    assert len(service.calls) == 3


def test_sign_in_whose_response_was_lost_is_not_repeated(client: Any, service: Service) -> None:
    service.planned = [LOST]

    with pytest.raises(ConnectionFailedError) as raised:
        client.sign_in("Claude")

    assert (raised.value.sent, len(service.calls)) == (True, 1)


def test_sign_in_that_was_never_sent_is_repeated(client: Any, service: Service) -> None:
    service.planned = [REFUSED, REFUSED]

    assert client.sign_in("Claude").reused is False
    assert len(service.calls) == 3


def test_unreachable_service_is_reported_with_its_reason(client: Any, service: Service) -> None:
    service.planned = [REFUSED] * 5

    with pytest.raises(ConnectionFailedError, match="GET /health got no response: ConnectError: connection refused"):
        client.check_health()


def test_deletion_whose_response_was_lost_succeeds(client: Any, service: Service) -> None:
    service.planned = [LOST, problem(404, "NotFoundError")]

    client.delete_agent(AGENT_ID)

    assert len(service.calls) == 2


def test_deletion_of_a_missing_agent_fails(client: Any, service: Service) -> None:
    service.planned = [problem(404, "NotFoundError")]

    with pytest.raises(NotFoundError):
        client.delete_agent(AGENT_ID)


def test_sign_out_at_the_end_of_a_program_is_tried_twice(client: Any, service: Service) -> None:
    session = client.sign_in("Claude")
    service.planned = [unavailable() for _ in range(9)]

    with pytest.raises(UnavailableError):
        session.sign_out()

    assert service.calls.count("DELETE /sessions/current") == 2
