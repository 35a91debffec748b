import json
from collections.abc import Iterator

import pytest

from agent_sessions.errors import (
    AgentSessionsError,
    CallerError,
    DatabaseError,
    FieldError,
    InvalidSessionError,
    NotFoundError,
    PayloadTooLargeError,
    ValidationError,
)
from agent_sessions.http.problems import RESPONSES, Problem, problem_of, response_for

REQUEST = "JKJaXmPLvHcESHA="
INVALID_TOKEN = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
RAISED = [
    (ValidationError(FieldError("agent_name", "Agent name is required")), 400, "Bad Request", {}),
    (PayloadTooLargeError("The body must be smaller than 8192 bytes; shorten it"), 413, None, {}),
    (InvalidSessionError(), 401, "Unauthorized", INVALID_TOKEN),
    (CallerError(), 403, "Forbidden", {}),
    (NotFoundError("No such agent"), 404, "Not Found", {}),
    (DatabaseError("get_item"), 503, "Service Unavailable", {"Retry-After": "1"}),
]
BUGS = [
    Exception("SECRET"),
    ValueError("SECRET"),
    KeyError("SECRET"),
    RuntimeError("SECRET"),
    LookupError("SECRET"),
    UnicodeEncodeError("utf-8", "SECRET", 0, 1, "SECRET"),
]


def kinds_below(kind: type[AgentSessionsError]) -> Iterator[type[AgentSessionsError]]:
    for each in kind.__subclasses__():
        yield each
        yield from kinds_below(each)


def recast(error: AgentSessionsError, kind: type[AgentSessionsError]) -> AgentSessionsError:
    other = kind.__new__(kind, *error.args)
    vars(other).update(vars(error))
    return other


def kind_of(error: Exception) -> str:
    return type(error).__name__


@pytest.mark.parametrize(("error", "status", "title", "headers"), RAISED, ids=lambda each: type(each).__name__)
def test_error_has_its_status_and_headers(
    error: AgentSessionsError, status: int, title: str | None, headers: dict[str, str]
) -> None:
    problem = problem_of(error, REQUEST)

    assert (response_for(error).status, response_for(error).headers) == (status, headers)
    assert problem["status"] == status
    assert title in (None, problem["title"])
    assert problem["title"]


@pytest.mark.parametrize("error", [each[0] for each in RAISED], ids=kind_of)
def test_error_becomes_a_problem(error: AgentSessionsError) -> None:
    problem = problem_of(error, REQUEST)

    assert problem["type"] == "about:blank"
    assert problem["detail"] == str(error) != ""
    assert problem["error"] == type(error).__name__
    assert problem["request_id"] == REQUEST


@pytest.mark.parametrize("error", [*(each[0] for each in RAISED), *BUGS], ids=kind_of)
def test_problem_has_only_documented_members(error: Exception) -> None:
    problem = problem_of(error, REQUEST)

    assert json.loads(json.dumps(problem)) == problem
    optional = {"errors"} if isinstance(error, ValidationError) else set()
    assert set(problem) == Problem.__required_keys__ | optional
    assert type(problem["status"]) is int


def test_problem_lists_each_bad_field() -> None:
    error = ValidationError(FieldError("agent_name", "Agent name is required"), FieldError("context", "Too long"))
    problem = problem_of(error, REQUEST)

    assert problem["errors"] == [
        {"field": "agent_name", "message": "Agent name is required"},
        {"field": "context", "message": "Too long"},
    ]
    assert problem["detail"] == "Agent name is required; Too long"


def test_invalid_session_error_has_one_body() -> None:
    assert problem_of(InvalidSessionError(), REQUEST) == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "Invalid or expired session",
        "error": "InvalidSessionError",
        "request_id": REQUEST,
    }


def test_detail_says_what_to_do() -> None:
    assert problem_of(DatabaseError("get_item"), REQUEST)["detail"] == "The database is unavailable; retry the request"
    assert problem_of(CallerError(), REQUEST)["detail"] == (
        "The gateway did not identify the caller: AWS_IAM needs an ARN, JWT needs iss and sub claims; check ApiAuth"
    )


def test_only_database_errors_have_retry_after() -> None:
    retried = [kind for kind, answer in RESPONSES.items() if "Retry-After" in answer.headers]

    assert retried == [DatabaseError]
    assert int(RESPONSES[DatabaseError].headers["Retry-After"]) >= 1


def test_failed_database_call_is_not_disclosed() -> None:
    assert "get_item" not in json.dumps(problem_of(DatabaseError("get_item"), REQUEST))


@pytest.mark.parametrize("error", BUGS, ids=kind_of)
def test_unexpected_error_discloses_nothing(error: Exception) -> None:
    problem = problem_of(error, REQUEST)

    assert problem == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "An unexpected error. Retry, and report it with request_id.",
        "error": "InternalError",
        "request_id": REQUEST,
    }
    assert response_for(error).headers == {}


@pytest.mark.parametrize("kind", list(kinds_below(AgentSessionsError)), ids=lambda kind: kind.__name__)
def test_every_error_class_has_a_status_other_than_500(kind: type[AgentSessionsError]) -> None:
    error = kind.__new__(kind)

    assert 400 <= response_for(error).status < 600
    assert response_for(error).status != 500


@pytest.mark.parametrize("error", [each[0] for each in RAISED], ids=kind_of)
def test_subclass_has_the_status_of_its_base_and_its_own_name(error: AgentSessionsError) -> None:
    finer = type("FinerError", (type(error),), {})
    finest = recast(error, type("FinestError", (finer,), {}))

    assert response_for(finest) == response_for(error)
    assert problem_of(finest, REQUEST)["error"] == response_for(error).error


def test_first_base_class_decides_the_status() -> None:
    gone = recast(InvalidSessionError(), type("GoneError", (InvalidSessionError, DatabaseError), {}))
    away = recast(InvalidSessionError(), type("AwayError", (DatabaseError, InvalidSessionError), {}))

    assert response_for(gone).status == 401
    assert response_for(away).status == 503


def test_validation_error_is_400_although_a_value_error() -> None:
    error = ValidationError(FieldError("context", "Context must be 200 characters or less"))

    assert isinstance(error, ValueError)
    assert response_for(error).status == 400
    assert response_for(ValueError("Context must be 200 characters or less")).status == 500
