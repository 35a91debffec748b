"""Stream records become events on the bus. Refused events are queued, and redelivered if that fails too."""

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from agent_sessions.domain.tokens import PREFIX
from tests.conftest import FrozenClock
from tests.support.functions import Api, Context
from tests.support.memory_dynamodb import json_response
from tests.support.stream import Stream
from tools.cloudformation import resource_name, resources

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/lifecycle"
FORGED = PREFIX + "A" * 43 + "000000"


@dataclass
class Bus:
    """EventBridge and the queue. ``refused`` has error codes for the next entries, in order; None accepts one."""

    put: list[dict[str, Any]] = field(default_factory=list)
    queued: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str | None] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    is_down: bool = False
    queue_is_down: bool = False

    def respond_events(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        assert isinstance(request.body, bytes)
        entries = json.loads(request.body)["Entries"]
        self.calls.append(len(entries))
        if self.is_down:
            return json_response(request.url, 400, {"__type": "AccessDeniedException"})
        codes = [self.refused.pop(0) if self.refused else None for _ in entries]
        self.put += [entry for entry, code in zip(entries, codes, strict=True) if code is None]
        results = [{"ErrorCode": code} if code else {"EventId": "1"} for code in codes]
        return json_response(request.url, 200, {"FailedEntryCount": len(codes) - codes.count(None), "Entries": results})

    def respond_queue(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        assert isinstance(request.body, bytes)
        message = json.loads(request.body)
        assert message["QueueUrl"] == QUEUE
        if self.queue_is_down:
            return json_response(request.url, 400, {"__type": "AccessDeniedException"})
        self.queued.append(json.loads(message["MessageBody"]))
        digest = hashlib.md5(message["MessageBody"].encode(), usedforsecurity=False).hexdigest()
        return json_response(request.url, 200, {"MessageId": "1", "MD5OfMessageBody": digest})


@pytest.fixture
def bus(dynamodb: object, botocore_session: botocore.session.Session) -> Iterator[Bus]:
    bus = Bus()
    handlers: dict[str, Any] = {"before-send.events": bus.respond_events, "before-send.sqs": bus.respond_queue}
    for name, handler in handlers.items():
        botocore_session.register(name, handler)
    yield bus
    for name, handler in handlers.items():
        botocore_session.unregister(name, handler)


@dataclass
class Publisher:
    """The function, with the records of the tables since the last call."""

    function: ModuleType
    stream: Stream
    bus: Bus
    clock: FrozenClock

    def records(self) -> list[dict[str, Any]]:
        return self.stream.records(self.clock.time)

    def publish(self, records: list[dict[str, Any]] | None = None) -> list[str]:
        """Publish; return the sequence numbers that are to be delivered again."""
        event = {"Records": self.records() if records is None else records}
        response: dict[str, Any] = self.function.handler(event, Context())
        return [each["itemIdentifier"] for each in response["batchItemFailures"]]

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Publish, and return the kind and the detail of each event."""
        assert self.publish() == []
        put, self.bus.put = self.bus.put, []
        assert {each["Source"] for each in put} <= {"agent-sessions"}
        return [(each["DetailType"], json.loads(each["Detail"])) for each in put]


@pytest.fixture
def lifecycle(
    load_function: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    dynamodb: "DynamoDBClient",
    bus: Bus,
    frozen: FrozenClock,
) -> Publisher:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", QUEUE)
    return Publisher(load_function("lifecycle"), Stream(dynamodb), bus, frozen)


def kinds(events: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [kind for kind, _ in events]


def test_each_step_of_a_life_is_one_event(api: Api, lifecycle: Publisher, frozen: FrozenClock) -> None:
    session = api.sign_in("Claude", context="Project A", metadata={"model": "opus"}).body
    agent_id, session_id = session["agent_id"], session["session_id"]
    assert kinds(lifecycle.events()) == ["Agent Created", "Session Started"]

    frozen.tick(60)
    api.validate(session["session_token"])
    api.progress(session["session_token"], state="working")
    assert lifecycle.events() == []

    api.stop(agent_id, session_id, stop_requested="the budget is used up")
    assert kinds(lifecycle.events()) == ["Stop Requested"]
    frozen.tick(60)
    api.validate(session["session_token"])
    assert lifecycle.events() == []
    api.stop(agent_id, session_id, stop_requested=None)
    assert lifecycle.events() == []

    api.sign_out(session["session_token"])
    assert kinds(lifecycle.events()) == ["Session Ended"]
    api.block(agent_id)
    api.block(agent_id)
    assert kinds(lifecycle.events()) == ["Agent Blocked"]
    api.block(agent_id, False)
    assert kinds(lifecycle.events()) == ["Agent Unblocked"]
    api.sign_in("Claude", context="Project A")
    assert kinds(lifecycle.events()) == ["Session Started"]
    api.delete(agent_id)
    assert kinds(lifecycle.events()) == ["Agent Deleted", "Session Ended"]


def is_selected(pattern: Any, value: Any) -> bool:
    """Evaluate a filter of the event source mappings."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(is_selected(each, value.get(name)) for name, each in pattern.items())
    return any(value is not None if each == {"exists": True} else value == each for each in pattern)


def test_filters_pass_the_changes_that_are_events_and_drop_touches(
    api: Api, lifecycle: Publisher, frozen: FrozenClock
) -> None:
    mappings = resources("AWS::Lambda::EventSourceMapping")
    filters = {
        resource_name(mapping["EventSourceArn"]).removesuffix("/stream"): [
            json.loads(each["Pattern"]) for each in mapping["FilterCriteria"]["Filters"]
        ]
        for mapping in mappings.values()
    }

    def selected() -> list[str]:
        records = lifecycle.records()
        tables = ["SessionsTable" if "session_id" in each["dynamodb"]["Keys"] else "AgentsTable" for each in records]
        return [
            record["eventName"]
            for record, table in zip(records, tables, strict=True)
            if any(is_selected(pattern, record) for pattern in filters[table])
        ]

    session = api.sign_in().body
    assert selected() == ["INSERT", "INSERT"]
    frozen.tick(300)
    api.progress(session["session_token"], state="working")
    api.sign_in()
    assert selected() == ["INSERT"]
    api.stop(session["agent_id"], session["session_id"], stop_requested="enough")
    assert selected() == ["MODIFY"]
    api.block(session["agent_id"])
    assert selected() == ["MODIFY", "REMOVE", "REMOVE"]
    api.block(session["agent_id"], False)
    assert selected() == ["MODIFY"]


def test_events_have_the_fields_of_the_api_and_their_own(api: Api, lifecycle: Publisher, frozen: FrozenClock) -> None:
    session = api.sign_in("Claude", context="Project A", metadata={"model": "opus"}).body
    del session["session_token"], session["reused"]
    (_, agent), (_, started) = lifecycle.events()

    own = {"sign_in_number": 1, "time": session["created_at"]}
    assert started == session | own | {"sequence_number": started["sequence_number"]}
    listed = api.find(agent_name="Claude", context="Project A").body["agents"][0]
    del listed["online"], listed["active_sessions"]
    assert agent == listed | own | {"sequence_number": agent["sequence_number"]}
    assert len(started["sequence_number"]) > 20


@pytest.mark.parametrize(("seconds", "reason"), [(1859, "ended"), (1860, "expired")])
def test_end_is_an_expiry_from_the_second_on(
    api: Api, lifecycle: Publisher, frozen: FrozenClock, dynamodb: "DynamoDBClient", seconds: int, reason: str
) -> None:
    session = api.sign_in().body
    lifecycle.events()

    frozen.tick(seconds)
    key = {name: {"S": session[name]} for name in ("agent_id", "session_id")}
    dynamodb.delete_item(TableName="SessionsTable", Key=key)

    ((kind, detail),) = lifecycle.events()
    assert (kind, detail["reason"], detail["session_id"]) == ("Session Ended", reason, session["session_id"])


def test_entry_has_the_time_of_the_change(api: Api, lifecycle: Publisher, bus: Bus, frozen: FrozenClock) -> None:
    api.sign_in()
    lifecycle.publish()

    assert {each["Time"] for each in bus.put} == {frozen.time}


def test_what_looks_like_a_token_is_removed(api: Api, lifecycle: Publisher, bus: Bus) -> None:
    session = api.sign_in(f"Claude {FORGED}").body
    api.stop(session["agent_id"], session["session_id"], stop_requested=f"see {FORGED}")

    lifecycle.publish()

    assert bus.put
    assert FORGED not in json.dumps(bus.put)


def test_more_events_than_one_call_takes(api: Api, lifecycle: Publisher, bus: Bus) -> None:
    for number in range(11):
        api.sign_in(f"agent {number}")

    assert len(lifecycle.events()) == 22
    assert bus.calls == [10, 10, 2]


def test_refused_entries_are_put_again(api: Api, lifecycle: Publisher, bus: Bus) -> None:
    api.sign_in()
    bus.refused = ["ThrottlingException", None, "InternalFailure"]

    assert sorted(kinds(lifecycle.events())) == ["Agent Created", "Session Started"]
    assert bus.calls == [2, 1, 1]
    assert bus.queued == []


def test_entry_that_is_refused_three_times_is_queued_alone(
    api: Api, lifecycle: Publisher, bus: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    api.sign_in()
    bus.refused = ["InternalFailure", None, "InternalFailure", "InternalFailure"]

    assert kinds(lifecycle.events()) == ["Session Started"]

    (queued,) = bus.queued
    assert (queued["DetailType"], queued["Source"]) == ("Agent Created", "agent-sessions")
    assert queued["Time"] == json.loads(queued["Detail"])["time"]
    assert '"causes":["InternalFailure"]' in capsys.readouterr().out


def test_events_of_a_bus_that_refuses_everything_are_queued(api: Api, lifecycle: Publisher, bus: Bus) -> None:
    api.sign_in()
    bus.is_down = True

    assert lifecycle.publish() == []
    assert [each["DetailType"] for each in bus.queued] == ["Agent Created", "Session Started"]


def test_events_that_cannot_be_queued_are_delivered_again(api: Api, lifecycle: Publisher, bus: Bus) -> None:
    api.sign_in()
    records = lifecycle.records()
    bus.is_down = bus.queue_is_down = True

    assert lifecycle.publish(records) == [each["dynamodb"]["SequenceNumber"] for each in records]

    bus.is_down = False
    assert lifecycle.publish(records) == []
    assert len(bus.put) == 2


def test_unreadable_item_is_logged_and_holds_up_no_other(
    api: Api, lifecycle: Publisher, bus: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    api.sign_in()
    agent, session = lifecycle.records()
    foreign = copy.deepcopy(session)
    del foreign["dynamodb"]["NewImage"]["owner"]

    assert lifecycle.publish([foreign, agent]) == []
    assert [each["DetailType"] for each in bus.put] == ["Agent Created"]
    assert f'"sequence_numbers":["{foreign["dynamodb"]["SequenceNumber"]}"]' in capsys.readouterr().out


def test_stream_without_images_fails_loudly(api: Api, lifecycle: Publisher) -> None:
    api.sign_in()
    records = lifecycle.records()
    for record in records:
        del record["dynamodb"]["NewImage"]

    with pytest.raises(ValueError, match="NEW_AND_OLD_IMAGES"):
        lifecycle.publish(records)
