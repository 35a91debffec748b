"""No name, context or owner becomes part of an expression, on moto and on DynamoDB Local."""

from agent_sessions.domain.identity import MAX_OWNER_BYTES
from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from tests.support.database import OWNER, Database
from tests.support.hostile import ALLOWED


def found_id(agents: AgentService, owner: str, name: str, context: str | None = None) -> str | None:
    presence = agents.find_agent(owner, name, context)
    return None if presence is None else presence.agent.agent_id


def test_hostile_name_and_context_are_stored_unchanged(
    sessions: SessionService, agents: AgentService, database: Database
) -> None:
    victim = sessions.sign_in(OWNER, "Claude").session
    before = database.agent_item(victim.agent_id)
    made = set()

    for text in ALLOWED:
        session = sessions.sign_in(OWNER, text, text).session
        item = database.agent_item(session.agent_id)

        assert (item["owner"], item["agent_name"], item["context"]) == ({"S": OWNER}, {"S": text}, {"S": text})
        assert (item["sign_ins"], item["incarnation"]) == ({"N": "1"}, {"S": session.session_id})
        assert found_id(agents, OWNER, text, text) == session.agent_id
        assert database.tables().sessions.get_session(session.agent_id, session.session_id) == session
        made.add(session.agent_id)

    assert len(made) == len(ALLOWED)
    assert database.agent_item(victim.agent_id) == before
    assert agents.get_agent(OWNER, victim.agent_id).active_sessions == 1


def test_hostile_owner_is_only_itself(sessions: SessionService, agents: AgentService, database: Database) -> None:
    longest = f"jwt:{'x' * (MAX_OWNER_BYTES - 4)}"
    owners = [OWNER, f"jwt:{OWNER}", longest, *(f"jwt:{text}" for text in ALLOWED)]
    signed_in = {owner: sessions.sign_in(owner, "Claude") for owner in owners}

    assert not [owner for owner, each in signed_in.items() if each.reused]
    assert len({each.session.agent_id for each in signed_in.values()}) == len(owners)
    for owner, each in signed_in.items():
        assert database.agent_item(each.session.agent_id)["owner"] == {"S": owner}
        assert found_id(agents, owner, "Claude") == each.session.agent_id
        assert sessions.validate(each.session_token).owner == owner
        assert agents.end_all_sessions(owner, each.session.agent_id).count == 1
