"""Which agent an identity is: the index shows imported agents, and every other id is derived."""

from collections.abc import Iterator
from dataclasses import dataclass

from agent_sessions.domain.identity import Identity, parse_id
from agent_sessions.domain.identity import agent_id as derive_id
from agent_sessions.domain.models import Agent
from agent_sessions.domain.tokens import SessionToken
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.errors import AgentBlockedError, DatabaseError

# A sign-in whose condition fails although the agent admits it raced with a block and an unblock, or with a
# deletion. Losing such a race this often means that something else is wrong.
MAX_RACES = 5


class IdentityConflictError(Exception):
    """An item under a derived agent_id has another owner: the table was edited by hand."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """An agent that has just signed in, the token of its new session, and whether the agent existed before."""

    agent: Agent
    token: SessionToken
    reused: bool


def find_agent(tables: Tables, owner: str, identity: Identity) -> Agent | None:
    """Return the agent that a sign-in with this identity would reuse, read strongly consistent."""
    for agent_id in _candidates(tables, owner, identity.key, derive_id(owner, identity.key)):
        agent = tables.agents.get_agent(agent_id)
        if agent is not None and agent.owner == owner:
            return agent
    return None


def recognise(tables: Tables, owner: str, identity: Identity, *, now: int, exclusive: bool) -> Recognised:
    """Reuse or create the agent of an identity, and count its sign-in.

    Only an existing agent is reused under an id that was not derived: the index may still show a deleted one,
    and of two sign-ins that see this differently each would create an agent.

    Raises:
        AgentBlockedError: the agent is blocked.
        IdentityConflictError: another owner's item has the derived id.
    """
    derived = derive_id(owner, identity.key)
    for agent_id in _candidates(tables, owner, identity.key, derived):
        for _ in range(MAX_RACES):
            token = SessionToken.mint(agent_id)
            agent = tables.agents.record_sign_in(
                agent_id,
                owner,
                identity,
                session_id=token.session_id,
                now=now,
                exclusive=exclusive,
                must_exist=agent_id != derived,
            )
            if agent is not None:
                created = agent.incarnation == token.session_id and agent.created_at == now
                return Recognised(agent, token, reused=not created)
            if not _may_sign_in(tables.agents.get_agent(agent_id), owner, is_derived=agent_id == derived):
                break
        else:
            raise DatabaseError("UpdateItem")
    raise AssertionError("the derived id is the last candidate, and either signs in or raises")


def _candidates(tables: Tables, owner: str, identity_key: str, derived: str) -> Iterator[str]:
    """Yield the ids that an identity may have, in the one order in which all operations try them; the derived last."""
    for agent_id in tables.agents.find_agent_ids(owner, identity_key):
        # An imported agent can have any id; a token can carry only a UUID.
        if agent_id != derived and parse_id(agent_id) == agent_id:
            yield agent_id
    yield derived


def _may_sign_in(agent: Agent | None, owner: str, *, is_derived: bool) -> bool:
    """Judge a failed sign-in by what a strongly consistent read shows; return whether to repeat it."""
    if agent is None:
        # Deleted after the sign-in was refused: the derived id can be created again.
        return is_derived
    if agent.owner != owner:
        if is_derived:
            raise IdentityConflictError(f"the item of agent {agent.agent_id} belongs to another owner")
        return False
    if agent.blocked:
        raise AgentBlockedError(agent.agent_id)
    return True
