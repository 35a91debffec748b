from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from agent_sessions.domain.tokens import SessionToken
from agent_sessions.errors import DatabaseError
from tests.conftest import FrozenClock
from tests.support.events import http_event
from tests.support.functions import Api

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

IDLE, TOUCH = 1800, 60


def test_validate_returns_the_session(api: Api) -> None:
    signed_in = api.sign_in("Claude", context="Project A").body

    response = api.validate(signed_in["session_token"])

    assert response.status == 200
    assert response.body == {
        name: value for name, value in signed_in.items() if name not in ("session_token", "reused")
    }


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token abc", "abc"])
def test_missing_bearer_token_is_401_that_says_what_to_send(api: Api, authorization: str | None) -> None:
    response = api.send(http_event("validate_session", authorization=authorization))

    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"  # RFC 6750, 3.1: without an error code
    assert response.body["error"] == "InvalidSessionError"
    assert response.body["detail"] == "Session token is required: send Authorization: Bearer <session_token>"


def test_all_dead_tokens_get_one_response(api: Api, frozen: FrozenClock) -> None:
    expired = api.sign_in().body["session_token"]
    frozen.tick(IDLE + TOUCH)
    signed_out = api.sign_in().body["session_token"]
    api.sign_out(signed_out)
    unknown = SessionToken.mint("0b0b0b0b-0000-4000-8000-000000000009").secret

    responses = [
        api.send(http_event("validate_session", authorization=f"Bearer {token}"))
        for token in ("not-a-token", f"{expired}x", unknown, expired, signed_out, f"{signed_out},Bearer {signed_out}")
    ]

    assert {response.status for response in responses} == {401}
    assert {response.headers["WWW-Authenticate"] for response in responses} == {'Bearer error="invalid_token"'}
    assert len({response.text for response in responses}) == 1
    assert responses[0].body["detail"] == "Invalid or expired session"
    assert responses[0].body["error"] == "InvalidSessionError"


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
def test_header_name_is_read_in_any_case(api: Api, name: str) -> None:
    event = http_event("validate_session", token=api.sign_in().body["session_token"])
    event["headers"][name] = event["headers"].pop("authorization")

    assert api.send(event).status == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_bearer_scheme_is_read_in_any_case(api: Api, scheme: str) -> None:
    token = api.sign_in().body["session_token"]

    assert api.send(http_event("validate_session", authorization=f"{scheme} {token}")).status == 200


def test_idle_session_ends_at_most_an_interval_late(api: Api, frozen: FrozenClock) -> None:
    token = api.sign_in().body["session_token"]
    frozen.tick(TOUCH - 1)
    api.validate(token)  # too early to be written
    frozen.tick(IDLE)

    assert api.validate(token).status == 200, "idle for no longer than the timeout"

    token = api.sign_in().body["session_token"]
    frozen.tick(IDLE + TOUCH - 1)
    assert api.validate(token).status == 200
    frozen.tick(IDLE + TOUCH)
    assert api.validate(token).status == 401


def test_touch_is_written_once_per_interval(
    api: Api, frozen: FrozenClock, calls: Callable[[object], list[str]]
) -> None:
    frozen.time = 1_800_000_000  # the start of a last-seen interval
    token = api.sign_in().body["session_token"]
    made = calls(api.functions["sessions"])

    frozen.tick(TOUCH - 1)
    assert api.validate(token).body["last_active"] == "2027-01-15T08:00:00Z"
    assert made == ["GetItem"]
    frozen.tick(1)
    touched = api.validate(token).body
    assert made == ["GetItem", "GetItem", "UpdateItem"]
    assert (touched["last_active"], touched["expires_at"]) == ("2027-01-15T08:01:00Z", "2027-01-15T08:32:00Z")
    assert api.validate(token).body == touched, "the response equals the item"


def test_session_in_use_ends_with_its_lifetime(start: Callable[..., Api], frozen: FrozenClock) -> None:
    lifetime = 3600
    api = start(LIFETIME_SECONDS=str(lifetime))
    token = api.sign_in().body["session_token"]
    for _ in range(lifetime // TOUCH - 1):
        frozen.tick(TOUCH)
        last = api.validate(token).body
    assert last["expires_at"] == last["ends_at"]

    frozen.tick(TOUCH - 1)
    assert api.validate(token).status == 200
    frozen.tick(1)
    assert api.validate(token).status == 401


def test_last_active_of_agent_is_written_once_in_five_minutes(
    api: Api, frozen: FrozenClock, calls: Callable[[object], list[str]], dynamodb: "DynamoDBClient"
) -> None:
    frozen.time = 1_800_000_000  # the start of a last-seen interval
    token = api.sign_in().body["session_token"]
    made = calls(api.functions["sessions"])
    for _ in range(4):
        frozen.tick(TOUCH)
        api.validate(token)
    assert made == ["GetItem", "UpdateItem"] * 4

    frozen.tick(TOUCH)
    api.validate(token)

    assert made[8:] == ["GetItem", "UpdateItem", "UpdateItem"]
    (agent,) = dynamodb.scan(TableName="AgentsTable")["Items"]
    assert agent["last_active"] == {"N": str(frozen.time)}


def test_touch_does_not_revive_an_ended_session(
    api: Api, frozen: FrozenClock, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    token = api.sign_in().body["session_token"]
    frozen.tick(TOUCH)
    sessions = api.functions["sessions"].service.tables.sessions
    touch = sessions.touch_session

    def ended_meanwhile(*args: object, **kwargs: object) -> bool:
        api.sign_out(token)
        return bool(touch(*args, **kwargs))

    monkeypatch.setattr(sessions, "touch_session", ended_meanwhile)

    assert api.validate(token).status == 401
    assert dynamodb.scan(TableName="SessionsTable")["Items"] == []


@pytest.mark.parametrize(
    ("table", "failing", "touched"),
    [("sessions", "touch_session", False), ("agents", "record_use", True)],
)
def test_failed_touch_does_not_fail_the_validation(
    api: Api, frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    table: str, failing: str, touched: bool,
) -> None:  # fmt: skip
    frozen.time = 1_800_000_000
    signed_in = api.sign_in().body
    frozen.tick(300)

    def throttled(*_: object, **__: object) -> None:
        raise DatabaseError("UpdateItem")

    monkeypatch.setattr(getattr(api.functions["sessions"].service.tables, table), failing, throttled)
    response = api.validate(signed_in["session_token"])

    assert response.status == 200
    assert (response.body["last_active"] != signed_in["last_active"]) is touched
    assert '"TouchFailures"' in capsys.readouterr().out


class TestCache:
    SECONDS = 30

    @pytest.fixture
    def api(self, start: Callable[..., Api]) -> Api:
        return start(SESSION_CACHE_SECONDS=str(self.SECONDS))

    def test_repeated_validation_makes_no_call(
        self, api: Api, frozen: FrozenClock, calls: Callable[[object], list[str]]
    ) -> None:
        token = api.sign_in().body["session_token"]
        made = calls(api.functions["sessions"])
        first = api.validate(token)
        frozen.tick(self.SECONDS - 1)
        assert api.validate(token).text == first.text
        assert made == ["GetItem"]
        frozen.tick(1)
        api.validate(token)
        assert made == ["GetItem", "GetItem"]

    def test_due_touch_is_not_delayed(
        self, api: Api, frozen: FrozenClock, calls: Callable[[object], list[str]]
    ) -> None:
        token = api.sign_in().body["session_token"]
        frozen.tick(TOUCH - 1)
        api.validate(token)
        made = calls(api.functions["sessions"])
        frozen.tick(1)
        api.validate(token)
        assert "UpdateItem" in made

    def test_exclusive_sign_in_in_the_same_container_is_effective_at_once(self, api: Api, frozen: FrozenClock) -> None:
        older = api.sign_in().body["session_token"]
        api.validate(older)

        api.sign_in(exclusive=True)

        assert api.validate(older).status == 401

    def test_ending_elsewhere_is_effective_after_the_cache_seconds(self, api: Api, frozen: FrozenClock) -> None:
        here, elsewhere = (api.sign_in().body for _ in range(2))
        for each in (here, elsewhere):
            api.validate(each["session_token"])

        api.sign_out(here["session_token"])
        api.end(elsewhere["agent_id"], elsewhere["session_id"])

        assert api.validate(here["session_token"]).status == 401
        assert api.validate(elsewhere["session_token"]).status == 200
        frozen.tick(self.SECONDS)
        assert api.validate(elsewhere["session_token"]).status == 401

    def test_cached_session_ends_with_its_lifetime(self, start: Callable[..., Api], frozen: FrozenClock) -> None:
        api = start(
            SESSION_CACHE_SECONDS="900", IDLE_TIMEOUT_SECONDS="60", LIFETIME_SECONDS="60", TOUCH_INTERVAL_SECONDS="60"
        )
        token = api.sign_in().body["session_token"]
        frozen.tick(59)
        assert api.validate(token).status == 200
        frozen.tick(1)
        assert api.validate(token).status == 401
