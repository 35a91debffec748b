"""No order of the calls of a use and of an ending revives a session."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from agent_sessions.domain.models import Session, SignedIn
from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.errors import InvalidSessionError, NotFoundError
from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.support.database import OWNER, Database, NewClient
from tests.support.length import by_length
from tests.support.steps import Action, Run, Steps

START = 1_800_000_000
REMOVALS = ("DeleteItem", "BatchWriteItem")

# Coverage would double the time, and other tests run every line.
pytestmark = pytest.mark.no_cover


@pytest.fixture
def new_client(new_fast_client: NewClient) -> NewClient:
    return new_fast_client


type Use = Callable[[SessionService, SignedIn], Session]
type End = Callable[[SessionService, AgentService, SignedIn], object]

# Both read the session, write its agent, and write the session.
USES: dict[str, Use] = {
    "validate": lambda sessions, made: sessions.validate(made.session_token),
    "progress": lambda sessions, made: sessions.report_progress(made.session_token, {"state": "working"}),
}

ENDINGS: dict[str, End] = {
    "sign-out": lambda sessions, _, made: sessions.sign_out(made.session_token),
    "end-by-handle": lambda _, agents, made: agents.end_session(OWNER, made.session.agent_id, made.session.session_id),
    "end-all": lambda _, agents, made: agents.end_all_sessions(OWNER, made.session.agent_id),
    "block": lambda _, agents, made: agents.block(OWNER, made.session.agent_id),
    "delete": lambda _, agents, made: agents.delete(OWNER, made.session.agent_id),
    "exclusive": lambda sessions, _, made: sessions.sign_in(OWNER, made.session.agent_name, exclusive=True),
    # The clock of TTL may be ahead of the container's.
    "ttl": lambda _, agents, made: agents.tables.sessions.delete_session(
        made.session.agent_id, made.session.session_id
    ),
}
# These move the fence first, so that the agent admits the session no longer.
FENCES = ("end-all", "block", "delete", "exclusive")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("cache", "use"),
    by_length(
        [(0, "validate"), (30, "progress")], [(0, "validate"), (0, "progress"), (30, "validate"), (30, "progress")]
    ),
)
def test_no_order_of_calls_revives_a_session(
    database: Database, frozen: FrozenClock, ending: str, use: str, cache: int
) -> None:
    steps = Steps()
    using, ending_it = (steps.direct(client, BotocoreTransport(database.new_client())) for client in "ue")
    settings = replace(database.settings, session_cache=cache)
    user = SessionService(database.tables(using), settings)
    ending_sessions = SessionService(database.tables(ending_it), settings)
    ending_agents = AgentService(database.tables(ending_it), settings)
    patient = SessionService(database.tables(), database.settings)
    made = patient.sign_in(OWNER, "Agent")
    runs: list[Run] = []

    def begin() -> dict[str, Action]:
        nonlocal made
        frozen.time = START
        made = patient.sign_in(OWNER, f"Agent {len(runs)}")
        frozen.tick(300)  # a touch is due, and the first in five minutes
        return {
            "u": lambda: USES[use](user, made),
            "e": lambda: ENDINGS[ending](ending_sessions, ending_agents, made),
        }

    for run in steps.every_order(begin):
        runs.append(run)
        check(run, database, made, ending, frozen.time)
        if cache:
            frozen.tick(cache)
            # Nothing else calls, so each call has its turn at once.
            (again,) = (
                each.results["u"] for each in steps.every_order(lambda: {"u": lambda: USES["validate"](user, made)})
            )
            assert isinstance(again, InvalidSessionError), run

    assert {isinstance(run.results["u"], Session) for run in runs} == {True, False}, "ended before the use, and after"


def check(run: Run, database: Database, made: SignedIn, ending: str, now: int) -> None:
    """The session has ended, its use succeeded if it came in time, and the agent shows the last use."""
    agent_id, session_id = made.session.agent_id, made.session.session_id
    removal = next(place for place, (_, call) in enumerate(run.calls) if call in REMOVALS)
    fence = run.calls.index(("e", "UpdateItem")) if ending in FENCES else len(run.calls)
    writes = [place for place, call in enumerate(run.calls) if call == ("u", "UpdateItem")]
    was_admitted = bool(writes) and writes[0] < fence
    in_time = was_admitted and len(writes) > 1 and writes[1] < removal

    assert isinstance(run.results["u"], Session if in_time else InvalidSessionError), run
    assert database.tables().sessions.get_session(agent_id, session_id) is None, run
    with pytest.raises(InvalidSessionError):
        SessionService(database.tables(), database.settings).validate(made.session_token)
    agents = AgentService(database.tables(), database.settings)
    if ending == "delete":
        with pytest.raises(NotFoundError):
            agents.get_agent(OWNER, agent_id)
        return
    presence = agents.get_agent(OWNER, agent_id)
    assert presence.active_sessions == (1 if ending == "exclusive" else 0), run
    was_used = was_admitted or ending in ("sign-out", "exclusive")
    assert presence.agent.last_active == (now if was_used else START), run
