"""What must be true of every single write."""

from agent_sessions.domain.models import Agent, Session
from agent_sessions.dynamodb.items import read_agent, read_session
from tests.orders.worlds import DERIVED_ID, SETTINGS
from tests.support.memory_engine import Items

_NEVER_CHANGES = ("owner", "agent_name", "created_at", "ends_at", "idle_seconds", "sign_in_number", "incarnation")


class BrokenRuleError(AssertionError):
    """An order of calls breaks a rule."""


def check_write(table: str, before: Items, after: Items) -> None:
    """Compare the items of a table before and after a write; raise BrokenRuleError."""
    for item in (item for key, item in before.items() if key not in after and table == SETTINGS.agents_table):
        if "blocked" not in item:
            raise BrokenRuleError(f"an agent is deleted although it may have signed in meanwhile: {item}")
    for key, item in after.items():
        if before.get(key) == item:
            continue
        if table == SETTINGS.agents_table:
            agent = read_agent(item)
            if agent is None:
                raise BrokenRuleError(f"an agent without its attributes: {item}")
            _check_agent(agent, read_agent(before.get(key, {})))
        else:
            session = read_session(item)
            if session is None:
                raise BrokenRuleError(f"a session without its attributes: {item}")
            _check_session(session, read_session(before.get(key, {})))


def _check_agent(agent: Agent, earlier: Agent | None) -> None:
    if not (agent.ended_through <= agent.sign_ins and agent.swept_at <= agent.sign_ins):
        raise BrokenRuleError(f"a number beyond the last sign-in: {agent}")
    if agent.blocked and agent.ended_through != agent.sign_ins:
        raise BrokenRuleError(f"a blocked agent whose last session is not behind the fence: {agent}")
    if earlier is None:
        if agent.agent_id != DERIVED_ID:
            raise BrokenRuleError(f"an agent is created under an id that is not derived: {agent}")
        return
    if earlier.incarnation not in (None, agent.incarnation):
        raise BrokenRuleError(f"another incarnation of an agent that was not deleted: {earlier} {agent}")
    for name in ("sign_ins", "ended_through", "swept_at"):
        if getattr(agent, name) < getattr(earlier, name):
            raise BrokenRuleError(f"{name} moves back: {earlier} {agent}")


def _check_session(session: Session, earlier: Session | None) -> None:
    if earlier is None:
        return
    for name in ("last_active", "expires_at"):
        if getattr(session, name) < getattr(earlier, name):
            raise BrokenRuleError(f"{name} moves back: {earlier} {session}")
    if (session.progress_at or 0) < (earlier.progress_at or 0):
        raise BrokenRuleError(f"progress_at moves back: {earlier} {session}")
    for name in _NEVER_CHANGES:
        if getattr(session, name) != getattr(earlier, name):
            raise BrokenRuleError(f"{name} changes: {earlier} {session}")
