"""Nothing that has ended comes back: every order of the calls of a validation and of what ends its session.

Two threads, each with a client of its own, make one DynamoDB call at a time in the order that the test
gives; no order is left to luck, and none is left out.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from agent_sessions.domain.models import Session, SignedIn
from agent_sessions.errors import InvalidSessionError
from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.support.database import OWNER, Database, NewClient
from tests.support.steps import Steps, orders

VALIDATION = ["GetItem", "UpdateItem", "UpdateItem"]  # read, touch, tell the agent
REMOVALS = ("DeleteItem", "BatchWriteItem")


@pytest.fixture
def new_client(new_engine_client: NewClient) -> NewClient:
    return new_engine_client


type End = Callable[[SessionService, AgentService, SignedIn], object]

ENDINGS: dict[str, tuple[End, list[str]]] = {
    "sign-out": (
        lambda sessions, _, made: sessions.sign_out(made.session_token),
        ["DeleteItem", "UpdateItem"],
    ),
    "end-by-handle": (
        lambda _, agents, made: agents.end_session(OWNER, made.session.agent_id, made.session.session_id),
        ["DeleteItem", "UpdateItem"],
    ),
    "end-all": (
        lambda _, agents, made: agents.end_all_sessions(OWNER, made.session.agent_id),
        ["GetItem", "Query", "BatchWriteItem", "UpdateItem"],
    ),
    "exclusive": (
        lambda sessions, _, made: sessions.sign_in(OWNER, made.session.agent_name, exclusive=True),
        ["Query", "UpdateItem", "PutItem", "Query", "BatchWriteItem"],
    ),
    # The clock of TTL may be ahead of the container's.
    "ttl": (
        lambda _, agents, made: agents.tables.sessions.delete_session(made.session.agent_id, made.session.session_id),
        ["DeleteItem"],
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("cache", [0, 30])
def test_no_order_revives_a_session(database: Database, frozen: FrozenClock, ending: str, cache: int) -> None:
    steps = Steps()
    clients = {who: database.new_client() for who in "ve"}
    for who, client in clients.items():
        steps.direct(who, client)
    settings = replace(database.settings, session_cache=cache)
    validating = SessionService(database.tables(clients["v"]), settings)
    ending_sessions = SessionService(database.tables(clients["e"]), settings)
    ending_agents = AgentService(database.tables(clients["e"]))
    sessions, agents, tables = (
        SessionService(database.tables(), database.settings),
        AgentService(database.tables()),
        database.tables(),
    )
    end, calls = ENDINGS[ending]
    outcomes: set[bool] = set()

    for number, order in enumerate(orders(v=len(VALIDATION), e=len(calls))):
        frozen.time = 1_800_000_000
        made = sessions.sign_in(OWNER, f"Agent {number}")
        agent_id, session_id = made.session.agent_id, made.session.session_id
        frozen.tick(300)  # a touch is due, and the first in five minutes

        answers = steps.run(
            order,
            v=lambda: validating.validate(made.session_token),  # noqa: B023  it ends within the round
            e=lambda: end(ending_sessions, ending_agents, made),  # noqa: B023
        )

        told = f"{ending}, {order}: {steps.made}"
        removal = next(place for place, (who, call) in enumerate(steps.made) if who == "e" and call in REMOVALS)
        in_time = steps.made[:removal].count(("v", "UpdateItem")) > 0
        outcomes.add(in_time)
        assert tables.sessions.get_session(agent_id, session_id) is None, told
        assert isinstance(answers["v"], Session if in_time else InvalidSessionError), told
        with pytest.raises(InvalidSessionError):
            sessions.validate(made.session_token)
        presence = agents.get_agent(OWNER, agent_id)
        assert presence.active_sessions == (1 if ending == "exclusive" else 0), told
        used = in_time or ending in ("sign-out", "exclusive")
        assert presence.last_active == (frozen.time if used else made.session.created_at), told
        if cache:
            frozen.tick(cache)
            with pytest.raises(InvalidSessionError):
                validating_again(steps, lambda: validating.validate(made.session_token))  # noqa: B023

    assert outcomes == {True, False}, "both were driven: ended before the touch, and after"


def validating_again(steps: Steps, validate: Callable[[], object]) -> None:
    """Raise what a validation raises that nothing else meets."""
    answer = steps.run("v" * len(VALIDATION), v=validate)["v"]
    if isinstance(answer, InvalidSessionError):
        raise answer
