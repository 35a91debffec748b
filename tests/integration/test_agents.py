import itertools
import json
import time
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from agent_sessions import clock
from agent_sessions.deadline import TIME_LIMIT_SECONDS
from agent_sessions.errors import DatabaseError
from agent_sessions.services.ending import RESERVE_SECONDS
from tests.conftest import FrozenClock
from tests.support.database import client_of
from tests.support.events import http_event
from tests.support.functions import Api

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type CopySession = Callable[[dict[str, Any], int], None]

UNKNOWN = "0b0b0b0b-0000-4000-8000-000000000009"


def sign_in_often(api: Api, times: int) -> str:
    """Give one agent some sessions; return its id."""
    agent_ids: set[str] = {api.sign_in().body["agent_id"] for _ in range(times)}
    (agent_id,) = agent_ids
    return agent_id


@pytest.fixture
def copy_session(dynamodb: "DynamoDBClient") -> CopySession:
    """Writes copies of a session under other handles, which is faster than as many sign-ins."""

    def copy_session(session: dict[str, Any], copies: int) -> None:
        key = {name: {"S": session[name]} for name in ("agent_id", "session_id")}
        item = dynamodb.get_item(TableName="SessionsTable", Key=key)["Item"]
        for _ in range(copies):
            dynamodb.put_item(TableName="SessionsTable", Item=item | {"session_id": {"S": str(uuid4())}})

    return copy_session


class TestFind:
    def test_agent_is_found_in_any_spelling(self, api: Api) -> None:
        signed_in = api.sign_in("Claude", context="Project A").body

        found = api.found(" CLAUDE ", context="project a")

        assert (found["agent_id"], found["agent_name"]) == (signed_in["agent_id"], "Claude")
        assert (found["online"], found["active_sessions"]) == (True, 1)

    def test_agent_without_context_is_found_without_one(self, api: Api) -> None:
        api.sign_in("Claude", context="Project A")
        alone = api.sign_in("Claude").body

        assert api.found("Claude")["agent_id"] == alone["agent_id"]

    def test_unknown_agent_is_not_found(self, api: Api) -> None:
        assert api.find(agent_name="Nobody").body == {"agents": [], "next": None}

    def test_agent_missing_in_the_index_is_found(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        signed_in = api.sign_in().body
        monkeypatch.setattr(api.functions["agents"].service.tables.agents, "find_agent_ids", lambda *_: [])

        assert api.found("Claude")["agent_id"] == signed_in["agent_id"]

    def test_duplicate_parameter_returns_400(self, api: Api) -> None:
        event = http_event("list_agents", authorizer=api.authorizer, query={"agent_name": "a,b"})
        event["rawQueryString"] = "agent_name=a&agent_name=b"

        assert api.send(event).messages == {"query": "The query names a parameter twice; keep one"}

    @pytest.mark.parametrize(
        ("query", "field", "message"),
        [
            ({"context": "x"}, "context", "context needs agent_name: send it too, or remove context"),
            ({"agent_name": "  "}, "agent_name", "Agent name is required"),
            ({"agent_name": "x" * 101}, "agent_name", "Agent name must be 100 characters or less"),
            ({"agent_name": "x", "context": "y" * 201}, "context", "Context must be 200 characters or less"),
            (
                {"agent_name": "x", "contxt": "y"},
                "contxt",
                "Unknown parameter contxt: remove it, or use one of agent_name, context, limit, next",
            ),
        ],
    )
    def test_bad_query_returns_400_that_says_what_to_change(
        self, api: Api, query: dict[str, str], field: str, message: str
    ) -> None:
        response = api.find(**query)

        assert response.status == 400
        assert response.body["detail"] == message
        assert response.messages == {field: message}


class TestPresence:
    def test_presence_counts_sessions_until_the_second_of_expiry(self, api: Api, frozen: FrozenClock) -> None:
        agent_id = api.sign_in().body["agent_id"]
        frozen.tick(10)
        api.sign_in()

        frozen.tick(1849)
        assert api.agent(agent_id).body["active_sessions"] == 2
        frozen.tick(1)
        assert api.agent(agent_id).body["active_sessions"] == 1
        frozen.tick(10)
        body = api.agent(agent_id).body
        assert (body["active_sessions"], body["online"]) == (0, False)

    @pytest.mark.parametrize("agent_id", [UNKNOWN, "nobody", "A" * 3000, "🤖", "0B0B0B0B-0000-4000-8000-000000000009"])
    def test_malformed_agent_id_returns_404(self, api: Api, agent_id: str) -> None:
        assert api.agent(agent_id).status == 404


class TestList:
    def test_pages_contain_every_session_once(self, api: Api) -> None:
        signed_in = [api.sign_in().body for _ in range(7)]
        agent_id = signed_in[0]["agent_id"]

        pages: list[list[str]] = []
        cursor: dict[str, str] = {}
        while True:
            page = api.sessions(agent_id, limit="3", **cursor).body
            pages.append([each["session_id"] for each in page["sessions"]])
            if page["next"] is None:
                break
            cursor = {"next": page["next"]}

        assert [len(page) for page in pages] == [3, 3, 1]
        assert sorted(chain(*pages)) == sorted(each["session_id"] for each in signed_in)

    def test_full_last_page_has_null_next(self, api: Api) -> None:
        agent_id = sign_in_often(api, 4)
        page = api.sessions(agent_id, limit="2").body

        assert api.sessions(agent_id, limit="2", next=page["next"]).body["next"] is None

    def test_expired_sessions_do_not_shorten_a_page(self, api: Api, frozen: FrozenClock) -> None:
        for _ in range(20):
            api.sign_in()
        frozen.tick(1860)
        live = [api.sign_in().body for _ in range(5)]

        page = api.sessions(live[0]["agent_id"], limit="5").body

        assert sorted(each["session_id"] for each in page["sessions"]) == sorted(each["session_id"] for each in live)
        assert page["next"] is None

    def test_few_live_among_many_expired_sessions_take_one_query(
        self,
        api: Api,
        frozen: FrozenClock,
        calls: Callable[[Any], list[str]],
        copy_session: CopySession,
    ) -> None:
        copy_session(api.sign_in().body, 149)
        frozen.tick(1860)
        agent_id = sign_in_often(api, 1)
        made = calls(api.functions["agents"])

        assert len(api.sessions(agent_id, limit="1").body["sessions"]) == 1
        assert made == ["GetItem", "Query"]

    def test_page_continues_after_an_ended_session(self, api: Api) -> None:
        agent_id = sign_in_often(api, 4)
        page = api.sessions(agent_id, limit="2").body
        api.end(agent_id, page["next"])

        assert len(api.sessions(agent_id, limit="2", next=page["next"]).body["sessions"]) == 2

    def test_default_limit_is_100(self, api: Api, copy_session: CopySession) -> None:
        session = api.sign_in().body
        copy_session(session, 100)
        agent_id = session["agent_id"]

        assert len(api.sessions(agent_id).body["sessions"]) == 100
        assert len(api.sessions(agent_id, limit="100").body["sessions"]) == 100

    @pytest.mark.parametrize("limit", ["0", "-1", "101", "1.5", "ten", "", " 5", "٥", "1e1", "9" * 400])
    def test_bad_limit_returns_400(self, api: Api, limit: str) -> None:
        response = api.sessions(api.sign_in().body["agent_id"], limit=limit)

        assert response.status == 400
        assert response.messages == {"limit": "limit must be a whole number from 1 to 100"}

    @pytest.mark.parametrize("cursor", ["", "x", "eyJhZ2VudF9pZCI6ICJvdGhlciJ9", "0" * 36, "A" * 5000])
    def test_malformed_next_returns_400(self, api: Api, cursor: str) -> None:
        response = api.sessions(api.sign_in().body["agent_id"], next=cursor)

        assert response.status == 400
        assert list(response.messages) == ["next"]

    def test_next_of_another_agent_returns_only_own_sessions(self, api: Api) -> None:
        other = api.sign_in("Other").body
        own = {each["session_id"] for each in (api.sign_in().body for _ in range(5))}
        agent_id = api.sign_in().body["agent_id"]

        page = api.sessions(agent_id, next=other["session_id"]).body

        assert {each["agent_id"] for each in page["sessions"]} <= {agent_id}
        assert len(own) == 5


class TestEndOne:
    def test_end_session_ends_only_that_session(self, api: Api) -> None:
        first, second = (api.sign_in().body for _ in range(2))

        assert api.end(first["agent_id"], first["session_id"]).status == 204
        assert api.validate(first["session_token"]).status == 401
        assert api.validate(second["session_token"]).status == 200

    def test_end_session_twice_returns_204(self, api: Api) -> None:
        session = api.sign_in().body

        assert [api.end(session["agent_id"], session["session_id"]).status for _ in range(2)] == [204, 204]

    def test_unknown_agent_returns_404(self, api: Api) -> None:
        assert api.end(UNKNOWN, str(uuid4())).status == 404

    @pytest.mark.parametrize("session_id", ["x", "🤖", "A" * 3000])
    def test_malformed_session_id_returns_404(self, api: Api, session_id: str) -> None:
        assert api.end(api.sign_in().body["agent_id"], session_id).status == 404

    def test_last_use_of_ended_session_is_kept(self, api: Api, frozen: FrozenClock) -> None:
        session = api.sign_in().body
        frozen.tick(60)
        api.validate(session["session_token"])
        frozen.tick(30)
        api.end(session["agent_id"], session["session_id"])

        assert api.agent(session["agent_id"]).body["last_active"] == "2027-01-15T08:01:00Z"

    def test_failed_write_of_last_use_does_not_fail_the_ending(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        session = api.sign_in().body

        def throttled(*_: object) -> None:
            raise DatabaseError("update_item")

        monkeypatch.setattr(api.functions["agents"].service.tables.agents, "update_last_active", throttled)

        assert api.end(session["agent_id"], session["session_id"]).status == 204
        assert api.validate(session["session_token"]).status == 401


class TestEndAll:
    def test_end_all_ends_only_the_sessions_of_the_agent(
        self, api: Api, frozen: FrozenClock, copy_session: CopySession
    ) -> None:
        expired = api.sign_in().body
        frozen.tick(1860)
        sessions = [api.sign_in().body for _ in range(3)]
        copy_session(sessions[0], 57)
        other = api.sign_in("Other").body["session_token"]

        response = api.end_all(expired["agent_id"])

        assert (response.status, response.body) == (200, {"ended": 60, "more": False})
        assert {api.validate(session["session_token"]).status for session in sessions} == {401}
        assert api.validate(other).status == 200
        assert api.end_all(expired["agent_id"]).body == {"ended": 0, "more": False}

    def test_unprocessed_batch_without_time_left_returns_503(
        self, api: Api, unprocessed: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent_id = sign_in_often(api, 3)
        unprocessed[0] = 1
        seconds = itertools.count(0, 2)
        monkeypatch.setattr(clock, "monotonic", lambda: float(next(seconds)))

        assert api.end_all(agent_id).status == 503

    def test_deadline_returns_more_and_next_call_continues(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        agent_id = sign_in_often(api, 30)
        seconds = [0.0]
        monkeypatch.setattr(clock, "monotonic", lambda: seconds[0])

        def pass_time(**_: object) -> None:
            seconds[0] += TIME_LIMIT_SECONDS - RESERVE_SECONDS + 0.1

        events = client_of(api.functions["agents"].service.tables).meta.events
        events.register("after-call.dynamodb.BatchWriteItem", pass_time)

        assert api.end_all(agent_id).body == {"ended": 25, "more": True}
        assert api.end_all(agent_id).body == {"ended": 5, "more": False}

    def test_unprocessed_items_are_sent_again(self, api: Api, unprocessed: list[int]) -> None:
        agent_id = sign_in_often(api, 3)
        unprocessed[0] = 4

        assert api.end_all(agent_id).body == {"ended": 3, "more": False}
        assert api.sessions(agent_id).body["sessions"] == []

    def test_batch_that_stays_unprocessed_returns_503(self, api: Api, unprocessed: list[int]) -> None:
        agent_id = sign_in_often(api, 3)
        unprocessed[0] = 5

        assert api.end_all(agent_id).status == 503

    @pytest.fixture
    def unprocessed(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """The number of next batches that DynamoDB leaves unprocessed as a whole; pauses take no time."""
        left = [0]
        client = client_of(api.functions["agents"].service.tables)
        batch_write_item = client.batch_write_item

        def leave_unprocessed(**request: Any) -> Any:
            if left[0] == 0:
                return batch_write_item(**request)
            left[0] -= 1
            return {"UnprocessedItems": request["RequestItems"]}

        monkeypatch.setattr(client, "batch_write_item", leave_unprocessed)
        monkeypatch.setattr(time, "sleep", lambda _: None)
        return left

    def test_unknown_agent_returns_404(self, api: Api) -> None:
        assert api.end_all(UNKNOWN).status == 404


def test_agent_of_any_characters_is_found_again(api: Api) -> None:
    for name in ("a:b", "a%3Ab", "#owner", ":owner", "agent_id = :x OR 1=1", '{"S":"x"}', "\u0e49\u200dx", "x" * 100):
        signed_in = api.sign_in(name, context=name).body
        assert api.found(name, context=name)["agent_id"] == signed_in["agent_id"]
        assert signed_in["agent_name"] == name


def test_ids_in_upper_case_are_accepted(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = sorted((api.sign_in().body for _ in range(2)), key=lambda body: str(body["session_id"]))
    agent_id, handle = first["agent_id"], first["session_id"]

    assert api.agent(agent_id.upper()).body == api.agent(agent_id).body
    assert api.sessions(agent_id.upper()).body == api.sessions(agent_id).body
    capsys.readouterr()
    page = api.sessions(agent_id.upper(), limit="1", next=handle.upper()).body
    assert [each["session_id"] for each in page["sessions"]] == [second["session_id"]]
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["agent_id"] == agent_id

    assert api.end(agent_id.upper(), handle.upper()).status == 204
    assert api.validate(first["session_token"]).status == 401
    assert api.end_all(agent_id.upper()).body == {"ended": 1, "more": False}
    assert api.validate(second["session_token"]).status == 401


def test_services_accept_ids_in_upper_case(api: Api) -> None:
    session = api.sign_in().body
    service = api.functions["agents"].service
    owner = api.functions["sessions"].service.validate(session["session_token"]).owner
    agent_id, handle = session["agent_id"].upper(), session["session_id"].upper()

    assert service.get_agent(owner, agent_id).agent.agent_id == session["agent_id"]
    assert [each.session_id for each in service.list_sessions(owner, agent_id).sessions] == [session["session_id"]]
    service.end_session(owner, agent_id, handle)
    assert service.get_agent(owner, agent_id).active_sessions == 0
    assert service.end_all_sessions(owner, agent_id).count == 0
