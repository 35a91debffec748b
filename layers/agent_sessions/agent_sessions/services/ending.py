"""Ending sessions in bulk, within the time of the request."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import batched

from agent_sessions.deadline import seconds_left
from agent_sessions.domain.models import Agent, Session
from agent_sessions.dynamodb.batches import WRITE_BATCH
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.dynamodb.transport import ATTEMPT_SECONDS

# Items per read. A session is under 1 KB, so this is a fraction of what one call may return, and the sessions
# that are found can be deleted in the time of one request.
READ_LIMIT = 1000
# A batch that is begun with less time left might not be finished.
RESERVE_SECONDS = 2 * ATTEMPT_SECONDS
# No touch in flight can still extend a session that expired this many seconds ago.
EXPIRED_SECONDS = 60

type Ends = Callable[[Session], bool]
type Record = Callable[[Iterable[str]], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ending the sessions of an agent did.

    Args:
        ended: The session_ids of the live sessions that were ended.
        left: How many live sessions were seen and left alone.
        more: Whether time ran out before all were seen.
    """

    ended: list[str]
    left: int
    more: bool


def end_sessions(tables: Tables, agent_id: str, *, now: int, ends: Ends, record: Record) -> Outcome:
    """Delete the live sessions of an agent that ``ends`` selects, whatever happens to them meanwhile.

    A caller that repeats the request makes progress or sees the error: the first batch is always tried, and if
    time runs out before it finds a session to end, it deletes dead ones that lie in front.

    Args:
        tables: Where the sessions are stored.
        agent_id: The agent.
        now: Which sessions are live.
        ends: Whether a session is to be ended.
        record: Called with the session_ids of each batch that was deleted, also if a later one fails.
    """
    ended: list[str] = []
    left = 0
    for page, next_position in tables.sessions.live_sessions_of(agent_id, now=now, limit=READ_LIMIT):
        selected = [each for each in page if ends(each)]
        left += len(page) - len(selected)
        for batch in batched(selected, WRITE_BATCH, strict=False):
            if ended and seconds_left() < RESERVE_SECONDS:
                return Outcome(ended, left, more=True)
            tables.sessions.delete_sessions([(each.agent_id, each.session_id) for each in batch])
            ended += (each.session_id for each in batch)
            record(each.session_id for each in batch)
        if next_position is not None and seconds_left() < RESERVE_SECONDS:
            if not ended:
                _delete_dead(tables, agent_id, now)
            return Outcome(ended, left, more=True)
    return Outcome(ended, left, more=False)


def _delete_dead(tables: Tables, agent_id: str, now: int) -> None:
    """Delete the first dead sessions of an agent, as many as fit into the time that is left."""
    sessions, _ = tables.sessions.first_sessions_of(agent_id, limit=READ_LIMIT)
    # Only what no touch can revive: the deletion has no condition.
    latest, not_before = now - EXPIRED_SECONDS, tables.sessions.not_before
    dead = [each for each in sessions if each.expires_at <= latest or each.created_at < not_before]
    for place, batch in enumerate(batched(dead, WRITE_BATCH, strict=False)):
        if place and seconds_left() < ATTEMPT_SECONDS:
            return
        tables.sessions.delete_sessions((each.agent_id, each.session_id) for each in batch)


def behind_fence(agent: Agent) -> Ends:
    """Return whether the fence of an agent has ended a session: of this incarnation, and numbered up to it."""
    return lambda session: session.incarnation == agent.incarnation and session.sign_in_number <= agent.ended_through
