"""The tools over the tables: what a model reads, what it may do, and whose sessions it sees."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from jsonschema import Draft202012Validator

from agent_sessions.errors import DatabaseError
from agent_sessions.http.response_models import AgentBody, SessionBody
from agent_sessions.mcp.results import AGENT, PRESENCE, SESSION, SIGNED_IN
from agent_sessions.mcp.server import VERSION
from agent_sessions.mcp.tools import TOOLS
from tests.conftest import FrozenClock
from tests.support.database import client_of
from tests.support.events import iam, jwt
from tests.support.functions import OWNER, Api
from tests.support.mcp import Mcp
from tools import ROOT

BOB = iam("arn:aws:iam::111122223333:user/bob")
CLAUDE = {"agent_name": "Claude", "context": "Project A"}
NOBODYS = "4635ae41-c03a-534d-87c4-05465526a836/4635ae41-c03a-834d-87c4-05465526a836"


@pytest.fixture
def newest(start_mcp: Callable[..., Mcp]) -> Mcp:
    return start_mcp()


# -- the definitions


def test_every_client_lists_the_seven_tools(mcp: Mcp) -> None:
    listed = mcp.result("tools/list")["tools"]

    assert [each["name"] for each in listed] == [
        *("sign_in", "check_in", "sign_out", "whoami", "find_agent", "list_sessions", "end_sessions")
    ]
    assert listed == [tool.definition() for tool in TOOLS.values()]


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_schemas_are_valid_flat_and_described(tool: Any) -> None:
    definition = tool.definition()
    for schema in (definition["inputSchema"], definition["outputSchema"]):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
    # Not every client resolves references or reads alternatives.
    assert not {"$ref", "$defs", "anyOf", "default", "title"} & set(_keys(definition["inputSchema"]))
    assert all(len(each["description"]) > 20 for each in definition["inputSchema"]["properties"].values())
    assert len(definition["description"]) > 20


def _keys(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [*node, *(key for value in node.values() for key in _keys(value))]
    return [key for value in node for key in _keys(value)] if isinstance(node, list) else []


def test_annotations_name_what_only_reads_and_what_destroys() -> None:
    hints = {name: tool.definition()["annotations"] for name, tool in TOOLS.items()}

    assert {name for name, each in hints.items() if each["readOnlyHint"]} == {"whoami", "find_agent", "list_sessions"}
    assert {name for name, each in hints.items() if each["destructiveHint"]} == {"end_sessions"}
    assert {name for name, each in hints.items() if not each["idempotentHint"]} == {"sign_in"}
    assert not any(each["openWorldHint"] for each in hints.values())


def test_fields_are_those_of_the_http_api() -> None:
    assert set(SIGNED_IN) - {"session", "reused"} == set(SessionBody.__annotations__) - {"owner"}
    assert set(SESSION) <= set(SIGNED_IN)
    assert set(AGENT) | set(PRESENCE) <= set(AgentBody.__annotations__) - {"owner"}


def test_version_is_that_of_the_project() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text()


def test_description_of_sign_in_states_the_lifetime_of_the_handle() -> None:
    # SEP-2567: a model must know when a handle ends.
    assert "30 minutes" in TOOLS["sign_in"].description
    assert "12 hours" in TOOLS["sign_in"].description


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_null_means_the_same_as_a_missing_argument(newest: Mcp, tool: Any) -> None:
    given = {"session": newest.call("sign_in", **CLAUDE)["session"], **CLAUDE}
    fields = tool.arguments.model_fields
    needed = {name for name, field in fields.items() if field.is_required()} or {"session"} & set(fields)

    newest.call(tool.name, **{name: given[name] if name in needed else None for name in fields})
    for name in needed & {each for each, field in fields.items() if field.is_required()}:
        assert "is required" in newest.error(tool.name, **{name: None})


# -- signing in


def test_sign_in_returns_a_handle_and_no_secret(mcp: Mcp) -> None:
    made = mcp.call("sign_in", **CLAUDE, metadata={"model": "opus"})

    assert made["session"] == f"{made['agent_id']}/{made['session_id']}"
    assert (made["display_name"], made["metadata"], made["reused"]) == ("Claude - Project A", {"model": "opus"}, False)
    assert "session_token" not in made
    assert "at least every 30 minutes" in made["message"]
    assert mcp.call("sign_in", agent_name=" CLAUDE ", context="project a")["agent_id"] == made["agent_id"]


def test_sign_in_returns_the_token_if_asked_to(newest: Mcp, api: Api) -> None:
    made = newest.call("sign_in", **CLAUDE, return_token=True)

    assert api.validate(made["session_token"]).body["session_id"] == made["session_id"]


def test_sign_in_takes_everything_that_the_http_api_takes(newest: Mcp) -> None:
    first = newest.call("sign_in", **CLAUDE)
    made = newest.call("sign_in", **CLAUDE, exclusive=True, idle_seconds=90, lifetime_seconds=3600)

    assert "at least every 90 seconds" in made["message"]
    assert "has ended" in newest.error("check_in", session=first["session"])


def test_agents_of_both_doors_are_the_same(newest: Mcp, api: Api) -> None:
    made = newest.call("sign_in", **CLAUDE)

    assert api.sign_in(**CLAUDE).body["agent_id"] == made["agent_id"]


def test_blocked_agent_is_told_not_to_evade(newest: Mcp, api: Api) -> None:
    made = newest.call("sign_in", **CLAUDE)
    api.block(made["agent_id"])

    assert "Do not sign in under another name" in newest.error("sign_in", **CLAUDE)
    assert "has ended" in newest.error("check_in", session=made["session"])
    assert newest.call("find_agent", **CLAUDE)["agent"]["blocked"] is True


def test_only_whoami_shows_the_owner(newest: Mcp) -> None:
    made = newest.call("sign_in", **CLAUDE)
    session = made["session"]
    calls: list[tuple[str, dict[str, Any]]] = [
        *(("check_in", {"session": session}), ("find_agent", CLAUDE), ("list_sessions", {})),
        *(("end_sessions", {"session": session}), ("sign_out", {"session": session})),
    ]

    assert newest.call("whoami")["owner"] == f"iam:{OWNER}"
    for tool, arguments in calls:
        assert OWNER not in json.dumps(newest.call(tool, **arguments)), tool
    assert OWNER not in json.dumps(made)


# -- a live session


def test_check_in_extends_like_a_validation(frozen: FrozenClock, newest: Mcp) -> None:
    made = newest.call("sign_in", **CLAUDE)
    frozen.tick(600)
    seen = newest.call("check_in", session=made["session"])

    assert seen["last_active"] > made["last_active"]
    assert seen["expires_at"] > made["expires_at"]
    assert seen["progress_at"] is None


def test_check_in_reports_progress(frozen: FrozenClock, newest: Mcp, api: Api) -> None:
    made = newest.call("sign_in", **CLAUDE)
    frozen.tick(1)
    seen = newest.call("check_in", session=made["session"], state="waiting", activity="for a review")

    assert (seen["state"], seen["activity"]) == ("waiting", "for a review")
    assert api.sessions(made["agent_id"]).body["sessions"][0]["activity"] == "for a review"

    # Models send null for what they leave out.
    kept = newest.call("check_in", session=made["session"], state="working", activity=None)
    assert (kept["state"], kept["activity"]) == ("working", "for a review")


def test_check_in_tells_of_a_stop_request(newest: Mcp, api: Api) -> None:
    made = newest.call("sign_in", **CLAUDE)
    api.stop(made["agent_id"], made["session_id"], stop_requested="the budget is used up")
    seen = newest.call("check_in", session=made["session"])

    assert seen["stop_requested"]["reason"] == "the budget is used up"
    assert "the budget is used up" in seen["message"]
    assert "sign_out" in seen["message"]


def test_handle_is_read_in_either_case(newest: Mcp) -> None:
    made = newest.call("sign_in", **CLAUDE)

    assert newest.call("check_in", session=made["session"].upper())["session"] == made["session"]


def test_whoami_shows_the_session_and_does_not_extend_it(frozen: FrozenClock, newest: Mcp) -> None:
    made = newest.call("sign_in", **CLAUDE)
    frozen.tick(600)

    assert newest.call("whoami", session=made["session"])["session"]["expires_at"] == made["expires_at"]


def test_session_is_judged_at_each_second_around_its_end(frozen: FrozenClock, newest: Mcp) -> None:
    made = newest.call("sign_in", **CLAUDE)
    frozen.tick(1800 + 60 - 1)
    assert newest.call("whoami", session=made["session"])
    frozen.tick(1)

    for tool in ("whoami", "check_in"):
        assert "has ended" in newest.error(tool, session=made["session"])


def test_sign_out_ends_the_session_once(newest: Mcp, api: Api) -> None:
    made = newest.call("sign_in", **CLAUDE)

    assert newest.call("sign_out", session=made["session"])["ended"] is True
    assert newest.call("sign_out", session=made["session"])["ended"] is False
    assert api.agent(made["agent_id"]).body["online"] is False


# -- the owner's view


def test_find_agent_tells_of_a_count_that_was_cut_short(newest: Mcp, monkeypatch: pytest.MonkeyPatch) -> None:
    newest.call("sign_in", **CLAUDE)
    monkeypatch.setattr("agent_sessions.services.presence.MAX_COUNT", 1)
    newest.call("sign_in", **CLAUDE)

    found = newest.call("find_agent", **CLAUDE)

    assert found["agent"]["active_sessions_capped"] is True
    assert found["message"] == "Claude - Project A has at least 1 live session."


def test_find_agent_returns_presence_or_none(newest: Mcp) -> None:
    assert newest.call("find_agent", **CLAUDE)["agent"] is None
    made = newest.call("sign_in", **CLAUDE)
    found = newest.call("find_agent", **CLAUDE)["agent"]

    assert (found["agent_id"], found["online"], found["active_sessions"]) == (made["agent_id"], True, 1)


@pytest.mark.parametrize("of_agent", [False, True])
def test_pages_of_list_sessions_lead_through_all(newest: Mcp, of_agent: bool) -> None:
    made = [newest.call("sign_in", **CLAUDE) for _ in range(5)]
    query: dict[str, Any] = {"limit": 2} | ({"agent_id": made[0]["agent_id"].upper()} if of_agent else {})
    seen: list[str] = []
    page = newest.call("list_sessions", **query)
    while True:
        seen += [each["session"] for each in page["sessions"]]
        if page["next"] is None:
            break
        page = newest.call("list_sessions", **query, next=page["next"])

    assert sorted(seen) == sorted(each["session"] for each in made)
    assert len(seen) == 5


def test_end_sessions_ends_one_or_all_of_an_agent(newest: Mcp) -> None:
    first, second, third = (newest.call("sign_in", **CLAUDE) for _ in range(3))

    assert newest.call("end_sessions", session=first["session"])["ended"] == 1
    assert newest.call("end_sessions", session=first["session"])["ended"] == 0
    assert newest.call("end_sessions", agent_id=second["agent_id"])["ended"] == 2
    assert "has ended" in newest.error("check_in", session=third["session"])


# -- another owner's


def test_handle_of_another_owner_does_nothing(newest: Mcp, api: Api) -> None:
    made = newest.call("sign_in", **CLAUDE)
    before = api.sessions(made["agent_id"]).body
    bob = newest.as_owner(BOB)

    for tool in ("check_in", "whoami"):
        foreign = bob.error(tool, session=made["session"], **({"state": "idle"} if tool == "check_in" else {}))
        assert foreign == bob.error(tool, session=NOBODYS), "another owner's session looks like a missing one"
    assert bob.call("sign_out", session=made["session"]) == bob.call("sign_out", session=NOBODYS)
    assert bob.error("end_sessions", session=made["session"]) == bob.error("end_sessions", session=NOBODYS)
    assert bob.error("end_sessions", agent_id=made["agent_id"]) == bob.error(
        "end_sessions", agent_id=NOBODYS.partition("/")[0]
    )
    assert bob.error("list_sessions", agent_id=made["agent_id"])
    assert bob.call("list_sessions")["sessions"] == []
    assert bob.call("find_agent", **CLAUDE)["agent"] is None
    assert api.sessions(made["agent_id"]).body == before


def test_cached_session_is_not_shown_to_another_owner(start_mcp: Callable[..., Mcp]) -> None:
    mcp = start_mcp(SESSION_CACHE_SECONDS="900")
    made = mcp.call("sign_in", **CLAUDE)
    mcp.call("whoami", session=made["session"])

    assert "none of yours" in mcp.as_owner(BOB).error("whoami", session=made["session"])
    assert mcp.call("whoami", session=made["session"])["session"]["session"] == made["session"]


def test_caller_that_the_gateway_did_not_name_gets_403(newest: Mcp) -> None:
    assert newest.as_owner({}).send("{}").status == 403


def test_caller_with_a_jwt_is_its_subject(start_mcp: Callable[..., Mcp]) -> None:
    mcp = start_mcp(API_AUTH="JWT").as_owner(jwt("ada"))

    assert mcp.call("whoami")["owner"] == "jwt:https://issuer.example#ada"


# -- errors that a model can act on


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("sign_in", {}, "agent_name: Agent name is required"),
        ("sign_in", {"agent_name": ""}, "agent_name: "),
        ("sign_in", {"agent_name": "x", "idle_seconds": 1}, "idle_seconds must be from 60 to 1800"),
        (
            "sign_in",
            {"agent_name": "x", "nickname": "y"},
            "Unknown argument nickname: remove it, or use one of agent_name",
        ),
        ("sign_in", {"agent_name": "x", "return_token": "yes"}, "return_token must be true or false"),
        ("sign_in", {"agent_name": "x", "metadata": {"A": "1"}}, "metadata"),
        ("check_in", {}, "session: Session is required"),
        ("check_in", {"session": 1}, "session must be a string"),
        ("check_in", {"session": "x"}, "Copy it exactly from the result of sign_in"),
        ("check_in", {"session": NOBODYS}, "call sign_in again"),
        ("check_in", {"session": NOBODYS, "state": "busy"}, "state must be working, waiting or idle"),
        ("check_in", {"session": NOBODYS, "activity": "x" * 121}, "activity"),
        ("sign_out", {"session": "x/y"}, "Copy it exactly"),
        ("whoami", {"session": "/"}, "Copy it exactly"),
        ("find_agent", {"context": "x"}, "agent_name: Agent name is required"),
        ("list_sessions", {"limit": 0}, "limit must be a whole number from 1 to 100"),
        ("list_sessions", {"limit": 101}, "limit must be a whole number from 1 to 100"),
        ("list_sessions", {"limit": True}, "limit must be a whole number from 1 to 100"),
        ("list_sessions", {"next": "x"}, "next must be the previous page's `next`"),
        ("list_sessions", {"agent_id": "x"}, "no such agent"),
        ("end_sessions", {}, "Send session to end one"),
        ("end_sessions", {"session": NOBODYS, "agent_id": "x"}, "Send session to end one"),
        ("end_sessions", {"agent_id": "x"}, "no such agent"),
    ],
)
def test_bad_argument_is_a_result_that_says_what_to_change(
    newest: Mcp, tool: str, arguments: dict[str, Any], expected: str
) -> None:
    assert expected in newest.error(tool, **arguments)


def test_every_bad_argument_is_named_at_once(newest: Mcp) -> None:
    text = newest.error("sign_in", agent_name="", context=1)

    assert "- agent_name: " in text
    assert "- context: " in text


def test_database_error_is_a_result_that_says_to_retry_and_is_counted(
    newest: Mcp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseError("Query")

    monkeypatch.setattr(newest.function.service, "sign_in", fail)

    assert "call the tool again" in newest.error("sign_in", **CLAUDE)
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [each for each in written if each["message"] == "request"]
    assert (line["DatabaseErrors"], line["error"]) == (1, "DatabaseError")


ARGUMENTS: dict[str, dict[str, Any]] = {
    "sign_in": CLAUDE,
    "check_in": {"session": NOBODYS},
    "sign_out": {"session": NOBODYS},
    "whoami": {"session": NOBODYS},
    "find_agent": CLAUDE,
    "list_sessions": {},
    "end_sessions": {"session": NOBODYS},
}


@pytest.mark.parametrize("tool", TOOLS)
def test_outage_is_never_reported_as_no_such_session(newest: Mcp, tool: str) -> None:
    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="x")

    client_of(newest.function.service.tables).meta.events.register("before-call.dynamodb", fail)

    assert "The database did not respond" in newest.error(tool, **ARGUMENTS[tool])


# -- what the tools cost


def test_check_in_makes_the_calls_of_a_validation(
    frozen: FrozenClock, newest: Mcp, calls: Callable[[Any], list[str]]
) -> None:
    session = newest.call("sign_in", **CLAUDE)["session"]
    made = calls(newest.function)

    newest.call("check_in", session=session)
    assert made == ["GetItem"]
    made.clear()
    frozen.tick(60)
    newest.call("check_in", session=session)
    assert made == ["GetItem", "UpdateItem"]
    made.clear()
    newest.call("check_in", session=session, state="idle")
    assert made == ["GetItem", "UpdateItem"]


@pytest.mark.parametrize("tool", ["check_in", "sign_out", "whoami", "end_sessions"])
def test_malformed_handle_costs_no_call(newest: Mcp, calls: Callable[[Any], list[str]], tool: str) -> None:
    made = calls(newest.function)
    newest.error(tool, session="4635ae41-c03a-534d-87c4-05465526a836")

    assert made == []


# -- the log


def test_log_line_names_the_method_the_tool_and_the_session(newest: Mcp, capsys: pytest.CaptureFixture[str]) -> None:
    made = newest.call("sign_in", **CLAUDE)
    (line,) = [json.loads(each) for each in capsys.readouterr().out.splitlines()]

    assert {name: line[name] for name in ("route", "method", "tool", "agent_id", "session_id", "owner")} == {
        "route": "POST /mcp",
        "method": "tools/call",
        "tool": "sign_in",
        "agent_id": made["agent_id"],
        "session_id": made["session_id"],
        "owner": f"iam:{OWNER}",
    }


def test_log_line_has_nothing_that_a_caller_made_up(newest: Mcp, capsys: pytest.CaptureFixture[str]) -> None:
    canary = "canary-7f3a"
    newest.request(canary, {canary: canary})
    newest.request("tools/call", {"name": canary, "arguments": {canary: canary}})
    newest.error("check_in", session=canary, state=canary)
    newest.send({canary: canary}, {"origin": canary, canary: canary})

    assert canary not in capsys.readouterr().out
