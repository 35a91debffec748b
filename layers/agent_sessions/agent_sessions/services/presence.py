"""Keeping when an agent was last seen beyond its sessions."""

from agent_sessions.dynamodb.tables import Tables
from agent_sessions.errors import DatabaseError
from agent_sessions.metrics import Count, Metric


def update_last_active(tables: Tables, agent_id: str, seen: int, count: Count) -> None:
    """Write that an agent was seen at ``seen`` (epoch seconds), best effort.

    It follows something that has already happened, such as a sign-out, so its failure is counted and
    not raised.
    """
    try:
        tables.agents.update_last_active(agent_id, seen)
    except DatabaseError:
        count(Metric.TOUCH_FAILURES)
