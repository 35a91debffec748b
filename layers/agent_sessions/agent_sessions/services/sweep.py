"""Keeping the number of an agent's sessions bounded, however often it signs in."""

from operator import attrgetter

from agent_sessions.domain.models import Agent, Session
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.errors import DatabaseError
from agent_sessions.metrics import Count, Metric

SIGN_INS_PER_SWEEP = 16
MAX_DELETIONS = 50
# One read shows so many sessions. A larger pile shrinks from its beginning, sweep by sweep.
READ_LIMIT = 1000


def sweep(tables: Tables, agent: Agent, own: Session, *, now: int, limit: int, count: Count) -> list[str]:
    """End the least recently used sessions of an agent beyond ``limit``, best effort.

    At every 16th sign-in one of the sign-ins that race sweeps; a failure is counted, and the next sweep ends
    what this one left. Expired sessions are TTL's to delete, unless they pile up.

    Args:
        tables: Where agents and sessions are stored.
        agent: The agent, as of the sign-in.
        own: The session of the sign-in, already written.
        now: Epoch seconds.
        limit: How many live sessions an agent may have; 0 is unlimited.
        count: Called with a metric for each event.

    Returns:
        The session_ids that were ended.
    """
    if limit == 0 or agent.sign_ins - agent.swept_at < SIGN_INS_PER_SWEEP:
        return []
    ended: list[str] = []
    try:
        if not tables.agents.claim_sweep(agent):
            return []
        sessions, more = tables.sessions.first_sessions_of(agent.agent_id, limit=READ_LIMIT)
        live = [each for each in sessions if each.is_live(now, tables.sessions.not_before)]
        older = sorted((each for each in live if each.is_older_than(own)), key=attrgetter("last_active"))
        # A session that is used meanwhile is no longer the least recently used one.
        for each in older[: max(0, min(len(live) - limit, MAX_DELETIONS))]:
            if tables.sessions.delete_unused_session(each):
                ended.append(each.session_id)  # noqa: PERF401  kept if a later deletion fails
        if more or len(sessions) > 2 * limit:
            expired = [each for each in sessions if each.expires_at <= now]
            for each in expired[: MAX_DELETIONS - len(ended)]:
                tables.sessions.delete_expired_session(each.agent_id, each.session_id, now=now)
    except DatabaseError:
        count(Metric.SWEEP_FAILURES)
    return ended
