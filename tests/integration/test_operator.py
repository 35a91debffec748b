"""The operator function acts for every owner, and does nothing at all if a field is wrong."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from agent_sessions.errors import DatabaseError
from tests.conftest import FrozenClock
from tests.support.events import iam
from tests.support.functions import OWNER, Api, Context
from tests.support.hostile import EXPRESSIONS, MARKUP, QUERIES, TEMPLATES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ADA = f"iam:{OWNER}"
BOB = "iam:arn:aws:iam::111122223333:user/bob"
MISSING = "0b0b0b0b-0000-4000-8000-000000000009"

type Operate = Callable[..., dict[str, Any]]


@pytest.fixture
def function(load_function: Callable[[str], ModuleType]) -> ModuleType:
    return load_function("operator")


@pytest.fixture
def operate(function: ModuleType) -> Operate:
    """Invokes the function, whose result must be JSON."""

    def operate(**event: Any) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(json.dumps(function.handler(event, Context())))
        return result

    return operate


@pytest.fixture
def bob(api: Api) -> Api:
    return api.as_owner(iam(BOB.removeprefix("iam:")))


def fields(result: dict[str, Any]) -> list[str]:
    assert result["error"] == "ValidationError"
    return [each["field"] for each in result["errors"]]


def test_list_returns_the_live_sessions_of_one_owner_in_pages(api: Api, bob: Api, operate: Operate) -> None:
    mine = {api.sign_in(f"agent {number}").body["session_id"] for number in range(3)}
    bob.sign_in()

    first = operate(action="list", owner=ADA, limit=2)
    second = operate(action="list", owner=ADA, limit=2, next=first["next"])

    assert (first["count"], second["count"], second["next"]) == (2, 1, None)
    assert {each["session_id"] for each in first["sessions"] + second["sessions"]} == mine
    assert "session_token" not in json.dumps(first)


def test_count_counts_live_sessions_and_their_agents(api: Api, bob: Api, operate: Operate, frozen: FrozenClock) -> None:
    api.sign_in("expired")
    frozen.tick(1860)
    for number in range(120):
        api.sign_in(f"agent {number % 40}")
    bob.sign_in()

    assert operate(action="count", owner=ADA) == {"action": "count", "sessions": 120, "agents": 40, "next": None}
    assert operate(action="count", owner="public")["sessions"] == 0


def test_end_by_owner_ends_only_that_owners_sessions(api: Api, bob: Api, operate: Operate) -> None:
    tokens = [api.sign_in().body["session_token"] for _ in range(2)]
    kept = bob.sign_in().body["session_token"]

    assert operate(action="end", owner=ADA) == {"action": "end", "ended": 2, "more": False}
    assert {api.validate(each).status for each in tokens} == {401}
    assert bob.validate(kept).status == 200


def test_dry_run_finds_and_ends_nothing(api: Api, bob: Api, operate: Operate) -> None:
    one = api.sign_in(metadata={"model": "opus", "host": "a"}).body
    two = bob.sign_in(metadata={"model": "opus"}).body
    other = bob.sign_in(metadata={"model": "haiku"}).body
    api.sign_in()

    found = operate(action="end", metadata={"model": "opus"}, dry_run=True)

    assert (found["matched"], found["ended"], found["dry_run"], found["next"]) == (2, 0, True, None)
    assert set(found["session_ids"]) == {one["session_id"], two["session_id"]}
    for session in (one, two, other):
        assert api.validate(session["session_token"]).status == 200


def test_end_by_metadata_ends_the_sessions_that_carry_all_pairs(api: Api, bob: Api, operate: Operate) -> None:
    one = api.sign_in(metadata={"model": "opus", "host": "a"}).body
    two = bob.sign_in(metadata={"model": "opus", "host": "b"}).body

    assert operate(action="end", metadata={"model": "opus", "host": "c"})["matched"] == 0
    ended = operate(action="end", metadata={"model": "opus", "host": "a"})

    assert (ended["matched"], ended["ended"], ended["session_ids"]) == (1, 1, [one["session_id"]])
    assert api.validate(one["session_token"]).status == 401
    assert bob.validate(two["session_token"]).status == 200


@pytest.mark.parametrize(("dry_run", "ended"), [(True, [0, 0, 0]), (False, [2, 2, 1])])
def test_end_by_metadata_continues_where_it_stopped(
    api: Api, operate: Operate, monkeypatch: pytest.MonkeyPatch, dry_run: bool, ended: list[int]
) -> None:
    made = {api.sign_in(f"agent {number}", metadata={"model": "opus"}).body["session_id"] for number in range(5)}
    monkeypatch.setattr("agent_sessions.services.operator.READ_LIMIT", 2)
    monkeypatch.setattr("agent_sessions.services.operator.TIME_LIMIT_SECONDS", 0.0)

    results, position = [], None
    for _ in range(3):
        results.append(operate(action="end", metadata={"model": "opus"}, dry_run=dry_run, next=position))
        position = results[-1]["next"]

    assert position is None
    assert [each["ended"] for each in results] == ended
    assert {session_id for each in results for session_id in each["session_ids"]} == made


def test_end_by_metadata_deletes_sessions_of_many_agents_in_batches(
    api: Api, operate: Operate, function: ModuleType, calls: Callable[[object], list[str]]
) -> None:
    for number in range(30):
        api.sign_in(f"agent {number}", metadata={"model": "m"})
    made = calls(function)

    assert operate(action="end", metadata={"model": "m"}, dry_run=False)["ended"] == 30
    assert made == ["Scan", "BatchWriteItem", "BatchWriteItem"]


def test_block_and_unblock_any_owners_agent(api: Api, operate: Operate) -> None:
    session = api.sign_in().body

    blocked = operate(action="block", agent_id=session["agent_id"].upper())["agent"]
    assert (blocked["owner"], blocked["blocked"], blocked["active_sessions"]) == (ADA, True, 0)
    assert api.validate(session["session_token"]).status == 401
    assert api.sign_in().status == 403

    assert operate(action="unblock", agent_id=session["agent_id"])["agent"]["blocked"] is False
    assert api.sign_in().status == 201


@pytest.mark.parametrize("action", ["block", "unblock"])
def test_missing_agent_is_an_error_that_names_the_field(operate: Operate, action: str) -> None:
    result = operate(action=action, agent_id=MISSING)

    assert result["error"] == "NotFoundError"
    assert [each["field"] for each in result["errors"]] == ["agent_id"]


def test_delete_leaves_nothing_of_the_owner(api: Api, bob: Api, operate: Operate, dynamodb: "DynamoDBClient") -> None:
    for number in range(3):
        api.sign_in(f"agent {number}")
    # A session whose agent was deleted by hand.
    orphan = api.sign_in("orphan").body
    dynamodb.delete_item(TableName="AgentsTable", Key={"agent_id": {"S": orphan["agent_id"]}})
    kept = bob.sign_in().body

    assert operate(action="delete", owner=ADA) == {"action": "delete", "agents": 3, "sessions": 1, "more": False}

    for table in ("AgentsTable", "SessionsTable"):
        assert {item["agent_id"]["S"] for item in dynamodb.scan(TableName=table)["Items"]} == {kept["agent_id"]}


def test_count_and_end_stop_when_their_time_is_up(api: Api, operate: Operate, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        api.sign_in(f"agent {number}")
    monkeypatch.setattr("agent_sessions.services.operator.TIME_LIMIT_SECONDS", 0.0)
    for limit in ("READ_LIMIT", "MAX_ENTRIES"):
        monkeypatch.setattr(f"agent_sessions.services.roster.{limit}", 2)
    monkeypatch.setattr("agent_sessions.services.roster.RESERVE_SECONDS", 10.0)

    counted, position = [], None
    for _ in range(3):
        result = operate(action="count", owner=ADA, next=position)
        counted.append((result["sessions"], result["agents"]))
        position = result["next"]
    assert (counted, position) == ([(2, 2), (2, 2), (1, 1)], None)

    ended = [operate(action="end", owner=ADA) for _ in range(3)]
    assert [(each["ended"], each["more"]) for each in ended] == [(2, True), (2, True), (1, False)]


def test_delete_stops_when_its_time_is_up(api: Api, operate: Operate, monkeypatch: pytest.MonkeyPatch) -> None:
    api.sign_in()
    monkeypatch.setattr("agent_sessions.services.operator.TIME_LIMIT_SECONDS", 0.0)

    assert operate(action="delete", owner=ADA) == {"action": "delete", "agents": 0, "sessions": 0, "more": True}


def test_what_an_operator_does_is_audited(api: Api, operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    session = api.sign_in(metadata={"model": "opus"}).body
    capsys.readouterr()

    operate(action="end", metadata={"model": "opus"})
    operate(action="block", agent_id=session["agent_id"])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    audited = [line for line in lines if line.get("level") == "AUDIT"]
    assert [(line["action"], line["reason"], line["number"]) for line in audited] == [
        ("end_sessions", "operator", 1),
        ("block_agent", "operator", 0),
    ]
    assert audited[0]["session_ids"] == [session["session_id"]]
    assert {line["owner"] for line in audited} == {ADA}


def test_database_error_is_a_result(
    api: Api, operate: Operate, function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("Query")

    monkeypatch.setattr(function.service.tables.sessions_by_owner, "page", fail)

    result = operate(action="list", owner=ADA)

    assert (result["error"], result["errors"]) == ("DatabaseError", [])
    assert "retry" in result["message"]


BAD: list[tuple[Any, list[str]]] = [
    (None, ["event"]),
    ([], ["event"]),
    ("list", ["event"]),
    (1, ["event"]),
    ({}, ["action"]),
    ({"action": None}, ["action"]),
    ({"action": "LIST", "owner": ADA}, ["action"]),
    ({"action": ["list"], "owner": ADA}, ["action"]),
    ({"action": "list"}, ["owner"]),
    ({"action": "list", "owner": None}, ["owner"]),
    ({"action": "list", "owner": ""}, ["owner"]),
    ({"action": "list", "owner": OWNER}, ["owner"]),
    ({"action": "list", "owner": "iam:"}, ["owner"]),
    ({"action": "list", "owner": "iam:\ud800"}, ["owner"]),
    ({"action": "list", "owner": "iam:" + "a" * 509}, ["owner"]),
    ({"action": "list", "owner": {"S": ADA}}, ["owner"]),
    ({"action": "list", "owner": ADA, "limit": 0}, ["limit"]),
    ({"action": "list", "owner": ADA, "limit": True}, ["limit"]),
    ({"action": "list", "owner": ADA, "limit": "10"}, ["limit"]),
    ({"action": "list", "owner": ADA, "limit": 10.0}, ["limit"]),
    ({"action": "list", "owner": ADA, "next": "x"}, ["next"]),
    ({"action": "list", "owner": ADA, "next": MISSING}, ["next"]),
    ({"action": "list", "owner": ADA, "next": {}}, ["next"]),
    ({"action": "count", "owner": ADA, "limit": 1}, ["limit"]),
    ({"action": "end"}, ["owner"]),
    ({"action": "end", "owner": ADA, "metadata": {"model": "x"}}, ["owner"]),
    ({"action": "end", "owner": ADA, "dry_run": True}, ["dry_run"]),
    ({"action": "end", "metadata": {}}, ["metadata"]),
    ({"action": "end", "metadata": None}, ["metadata"]),
    ({"action": "end", "metadata": {"Model": "x"}}, ["metadata.Model"]),
    ({"action": "end", "metadata": {"model": 1}}, ["metadata.model"]),
    ({"action": "end", "metadata": {"model": "x"}, "dry_run": "true"}, ["dry_run"]),
    ({"action": "end", "metadata": {"model": "x"}, "dry-run": True}, ["dry-run"]),
    ({"action": "end", "metadata": {"model": "x"}, "dry_run": None}, ["dry_run"]),
    ({"action": "block"}, ["agent_id"]),
    ({"action": "block", "agent_id": "x"}, ["agent_id"]),
    ({"action": "block", "agent_id": MISSING + "\n"}, ["agent_id"]),
    ({"action": "block", "agent_id": MISSING, "owner": ADA}, ["owner"]),
    ({"action": "delete", "agent_id": MISSING}, ["owner"]),
    ({"action": "delete", "owner": ADA, "\u2028": 1}, ["event"]),
    ({"action": "list", "owner": 1, "limit": 0, "extra": 1}, ["extra", "limit", "owner"]),
]


@pytest.mark.parametrize(("event", "named"), BAD, ids=[str(number) for number in range(len(BAD))])
def test_anything_else_names_the_field_and_does_nothing(
    api: Api, function: ModuleType, calls: Callable[[Any], list[str]], event: Any, named: list[str]
) -> None:
    made = calls(function)

    assert fields(function.handler(event, Context())) == named
    assert made == []


@pytest.mark.parametrize("text", [*EXPRESSIONS, *QUERIES, *TEMPLATES, *MARKUP])
def test_hostile_text_is_only_its_characters(
    api: Api, operate: Operate, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    token = api.sign_in(metadata={"model": "opus"}).body["session_token"]

    for event in (
        {"action": text},
        {"action": "end", "owner": text},
        {"action": "end", "owner": f"iam:{text}"},
        {"action": "end", "metadata": {"model": text}},
        {"action": "end", "metadata": {text: "opus"}},
        {"action": "end", "metadata": {"model": "opus"}, "next": text},
        {"action": "end", "metadata": {"model": "opus"}, text: 1},
        {"action": "block", "agent_id": text},
    ):
        result = operate(**event)
        assert result.get("ended", 0) == 0
        assert result.get("error") in (None, "ValidationError")
        for line in capsys.readouterr().out.splitlines():
            assert json.loads(line)["message"] in ("request", "audit")

    assert api.validate(token).status == 200
