"""Whether an agent is online, and when it was last seen."""

from agent_sessions import clock
from agent_sessions.deadline import seconds_left
from agent_sessions.domain.models import Agent, Presence
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.dynamodb.transport import ATTEMPT_SECONDS
from agent_sessions.errors import DatabaseError
from agent_sessions.metrics import Count, Metric

# The count stops here: an agent with more live sessions is an accident, and each page costs read units.
MAX_COUNT = 1000


def read_presence(tables: Tables, agent: Agent) -> Presence:
    """Count the live sessions of an agent, strongly consistent.

    The count stops at 1,000, or when the time of the request runs out; it is then a lower bound.
    """
    count = 0
    for number, more in tables.sessions.count_live_sessions(agent.agent_id, now=clock.now(), limit=MAX_COUNT):
        count += number
        if more and (count >= MAX_COUNT or seconds_left() < ATTEMPT_SECONDS):
            return Presence(agent, count, capped=True)
    return Presence(agent, count)


def update_last_active(tables: Tables, agent_id: str, seen: int, count: Count) -> None:
    """Record that an agent was seen at ``seen`` (epoch seconds), best effort.

    It follows an operation that has already succeeded, such as a sign-out, so a failure is counted, not raised.
    """
    try:
        tables.agents.update_last_active(agent_id, seen)
    except DatabaseError:
        count(Metric.TOUCH_FAILURES)
