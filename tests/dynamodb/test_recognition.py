"""Which agent a sign-in recognises, on moto and on DynamoDB Local: imported agents, and items under a wrong owner."""

import uuid
from dataclasses import replace

import pytest

from agent_sessions.domain import identity
from agent_sessions.errors import AgentBlockedError, DatabaseError
from agent_sessions.services.agents import AgentService
from agent_sessions.services.recognition import IdentityConflictError
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.support.database import OTHER_OWNER, OWNER, Database

KEY = "twin:default"
DERIVED = identity.agent_id(OWNER, KEY)
FIRST, SECOND = (str(uuid.UUID(int=number)) for number in (11, 12))

pytestmark = pytest.mark.usefixtures("frozen")


@pytest.fixture
def twins(database: Database) -> None:
    """Two imported agents of one identity."""
    for agent_id in (SECOND, FIRST):
        database.import_agent(agent_id, OWNER, KEY, at=1_500_000_000)


def found_id(agents: AgentService) -> str | None:
    presence = agents.find_agent(OWNER, "Twin")
    return None if presence is None else presence.agent.agent_id


@pytest.mark.usefixtures("twins")
class TestTwins:
    def test_sign_in_and_find_agree(self, sessions: SessionService, agents: AgentService) -> None:
        assert found_id(agents) == FIRST
        made = [sessions.sign_in(OWNER, name) for name in ("Twin", "TWIN")]
        assert [(each.session.agent_id, each.reused) for each in made] == [(FIRST, True)] * 2
        assert found_id(agents) == FIRST

    def test_remaining_one_is_used_after_the_first_was_deleted(
        self, sessions: SessionService, agents: AgentService, database: Database
    ) -> None:
        database.delete_agent(FIRST)
        assert found_id(agents) == SECOND
        made = sessions.sign_in(OWNER, "Twin")
        assert (made.session.agent_id, made.reused) == (SECOND, True)
        assert database.agent_item(DERIVED) == {}

    def test_remaining_one_is_used_while_the_index_still_shows_the_deleted_one(
        self, sessions: SessionService, agents: AgentService, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database.delete_agent(FIRST)
        for service in (sessions, agents):
            monkeypatch.setattr(service.tables.agents, "find_agent_ids", lambda *_: [FIRST, SECOND])
        assert found_id(agents) == SECOND
        assert sessions.sign_in(OWNER, "Twin").session.agent_id == SECOND
        assert database.agent_item(FIRST) == database.agent_item(DERIVED) == {}

    def test_blocked_one_is_not_replaced_by_the_other(
        self, sessions: SessionService, agents: AgentService, database: Database
    ) -> None:
        agents.block(OWNER, FIRST)
        before = database.agent_item(SECOND)
        with pytest.raises(AgentBlockedError):
            sessions.sign_in(OWNER, "Twin")
        assert found_id(agents) == FIRST
        assert database.agent_item(SECOND) == before
        assert database.agent_item(DERIVED) == {}


@pytest.mark.parametrize("agent_id", ["agent-7", SECOND.upper().replace("0", "A")])
def test_imported_agent_that_no_token_can_name_is_skipped(
    sessions: SessionService, agents: AgentService, database: Database, agent_id: str
) -> None:
    database.import_agent(agent_id, OWNER, KEY, at=1_500_000_000)
    assert found_id(agents) is None
    made = sessions.sign_in(OWNER, "Twin")
    assert (made.session.agent_id, made.reused) == (DERIVED, False)
    assert found_id(agents) == DERIVED


@pytest.mark.parametrize("exclusive", [False, True])
def test_item_under_a_derived_id_with_another_owner_is_left_alone(
    sessions: SessionService, agents: AgentService, database: Database, exclusive: bool
) -> None:
    database.import_agent(DERIVED, OTHER_OWNER, "victim:default", at=1_500_000_000)
    before = database.agent_item(DERIVED)

    with pytest.raises(IdentityConflictError):
        sessions.sign_in(OWNER, "Twin", exclusive=exclusive)

    assert database.agent_item(DERIVED) == before
    assert database.tables().sessions.first_sessions_of(DERIVED, limit=10) == ([], False)
    assert found_id(agents) is None


def test_sign_in_before_the_cutoff_writes_nothing(database: Database, frozen: FrozenClock) -> None:
    cutoff = frozen.time + 1
    deployed = replace(database, settings=replace(database.settings, sessions_not_before=cutoff))
    sessions = SessionService(deployed.tables(), deployed.settings)
    with pytest.raises(DatabaseError):
        sessions.sign_in(OWNER, "Twin")
    assert database.agent_item(DERIVED) == {}

    frozen.time = cutoff
    assert sessions.validate(sessions.sign_in(OWNER, "Twin").session_token)
