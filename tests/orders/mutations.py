"""The service broken on purpose, and the orders that show it: without this, a rule that checks nothing would pass."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from agent_sessions.audit import AuditAction
from agent_sessions.domain.models import Agent, Session
from agent_sessions.dynamodb.agents_table import AgentsTable
from agent_sessions.dynamodb.transport import Request, Transport
from agent_sessions.errors import AgentBlockedError, DatabaseError, InvalidSessionError
from agent_sessions.services import agents, recognition, sessions
from agent_sessions.services.agents import AgentService
from agent_sessions.services.ending import Ends, end_sessions
from agent_sessions.services.recognition import Recognised, recognise
from agent_sessions.services.sessions import SessionService
from agent_sessions.services.validation import Validation
from agent_sessions.settings import Settings
from tests.orders.container import Services
from tests.orders.worlds import (
    World,
    about_to_sweep,
    about_to_sweep_an_expiring_session,
    imported,
    no_agent,
    signed_in,
    used_by_a_fast_clock,
)
from tests.support.expressions import placeholders

type Patch = Callable[[pytest.MonkeyPatch], None]
type Change = Callable[[str, Request], Request]

EXPRESSIONS = ("ConditionExpression", "UpdateExpression", "KeyConditionExpression", "FilterExpression")
ANY_SESSION = "attribute_exists(session_id) OR attribute_not_exists(session_id)"


@dataclass(frozen=True, slots=True)
class Mutation:
    """A break of the service.

    Args:
        patch: Breaks it.
        make: A world in which orders show it.
        operations: The operations whose orders show it.
        clocks: How far their clocks are ahead.
    """

    patch: Patch
    make: Callable[[], World]
    operations: tuple[str, ...]
    clocks: tuple[int, ...] = (0, 0, 0)


# -- ways to break it


def _attribute(target: object, name: str, value: object) -> Patch:
    return lambda patch: patch.setattr(target, name, value)


def _requests(change: Change) -> Patch:
    """Change every request before it is sent."""
    over = Services.over

    def mutated(_: type[Services], transport: Transport, settings: Settings) -> Services:
        return over(lambda operation, request: transport(operation, change(operation, dict(request))), settings)

    return _attribute(Services, "over", classmethod(mutated))


def _written(text: str, instead: str) -> Patch:
    """Write something else instead of a part of an expression; what is not used any more is left out."""

    def change(_: str, request: Request) -> Request:
        if not any(text in request.get(name, "") for name in EXPRESSIONS):
            return request
        request |= {name: request[name].replace(text, instead) for name in EXPRESSIONS if name in request}
        used = frozenset[str]().union(*(placeholders(request[name]) for name in EXPRESSIONS if name in request))
        for name in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
            kept = {key: value for key, value in request.pop(name, {}).items() if key in used}
            request |= {name: kept} if kept else {}
        return request

    return _requests(change)


def _without(text: str) -> Patch:
    return _written(text, "")


def _eventually_consistent(table: str) -> Patch:
    """Read single items of a table eventually consistent."""

    def change(operation: str, request: Request) -> Request:
        if operation == "GetItem" and request["TableName"] == table:
            request.pop("ConsistentRead", None)
        return request

    return _requests(change)


# -- what the methods do that are broken as a whole


def _touch_then_heal(self: Validation, session: Session, now: int) -> Session:
    touched = self._write_touch(session, now)
    self._heal(touched, now)
    return touched


def _heal_by_elapsed_time(heal: Callable[[Validation, Session, int], None]) -> Callable[..., None]:
    def mutated(self: Validation, session: Session, now: int) -> None:
        if now - session.last_active >= self._settings.last_seen_interval:
            heal(self, session, now)

    return mutated


def _heal_without_deleting(self: Validation, session: Session, now: int) -> None:
    if not self._is_admitted(session, now):
        raise InvalidSessionError


def _touch_without_reading(*, is_valid: bool) -> Callable[[Validation, Session, int], Session]:
    def mutated(self: Validation, session: Session, now: int) -> Session:
        expires_at = self.expires_at(now, session.idle_seconds, session.ends_at)
        if not self._tables.sessions.touch_session(session, now=now, expires_at=expires_at) and not is_valid:
            raise InvalidSessionError
        return replace(session, last_active=now, expires_at=expires_at)

    return mutated


def _refuse(agent: Agent | None, owner: str, *, is_derived: bool) -> bool:
    raise AgentBlockedError


def _delete(*, believes: bool) -> Callable[[AgentService, str, str], None]:
    def mutated(self: AgentService, owner: str, agent_id: str) -> None:
        agent = self._move_fence(owner, agent_id, block=True)
        self._end_behind(agent, AuditAction.BLOCK_AGENT)
        if not self.tables.agents.delete_agent(agent) and not believes:
            raise DatabaseError("DeleteItem")

    return mutated


def _stay_beside_a_later_one(self: SessionService, own: Session, now: int) -> None:
    end_sessions(self.tables, own.agent_id, now=now, ends=lambda each: each.is_older_than(own), record=lambda _: None)


def _behind_any_fence(agent: Agent) -> Ends:
    return lambda session: session.sign_in_number <= agent.ended_through


def _reused_by_count(*arguments: Any, **options: Any) -> Recognised:
    recognised = recognise(*arguments, **options)
    return replace(recognised, reused=recognised.agent.sign_ins > 1)


def _create_any(record: Callable[..., Agent | None]) -> Callable[..., Agent | None]:
    def mutated(self: AgentsTable, *arguments: Any, **options: Any) -> Agent | None:
        return record(self, *arguments, **{**options, "must_exist": False})

    return mutated


SWEEPER = "incarnation = :incarnation AND swept_at = :swept_at"

MUTATIONS: dict[str, Mutation] = {
    # Conditions of sign-ins
    "a sign-in ignores the block": Mutation(
        _written("(#owner = :owner AND attribute_not_exists(blocked))", "#owner = :owner"),
        signed_in,
        ("sign in", "block"),
    ),
    "a sign-in of an imported agent ignores the block": Mutation(
        _without(" AND #owner = :owner AND attribute_not_exists(blocked)"), imported, ("sign in", "block")
    ),
    "a sign-in creates an agent under any id": Mutation(
        _attribute(AgentsTable, "record_sign_in", _create_any(AgentsTable.record_sign_in)),
        imported,
        ("sign in", "delete"),
    ),
    "each sign-in begins an incarnation": Mutation(
        _written("if_not_exists(incarnation, :session_id)", ":session_id"), no_agent, ("sign in", "sign in")
    ),
    "a sign-in sets the fence back": Mutation(
        _written("if_not_exists(ended_through, :zero)", ":zero"), signed_in, ("sign in", "end all")
    ),
    "a failed condition refuses a sign-in without a read": Mutation(
        _attribute(recognition, "_may_sign_in", _refuse), imported, ("sign in", "delete")
    ),
    "a refused sign-in reads the agent eventually consistent": Mutation(
        _eventually_consistent("agents"), signed_in, ("sign in", "block")
    ),
    "reused by the number of the sign-in": Mutation(
        _attribute(sessions, "recognise", _reused_by_count), imported, ("sign in", "sign in")
    ),
    # Healing
    "no healing": Mutation(
        _attribute(Validation, "_heal", lambda *_: None), no_agent, ("sign in", "sign in exclusively")
    ),
    "healing after the touch": Mutation(
        _attribute(Validation, "_touch", _touch_then_heal), no_agent, ("sign in", "block")
    ),
    "healing by elapsed time": Mutation(
        _attribute(Validation, "_heal", _heal_by_elapsed_time(Validation._heal)), signed_in, ("sign in", "end all")
    ),
    "healing deletes nothing": Mutation(
        _attribute(Validation, "_heal", _heal_without_deleting), signed_in, ("sign in", "block")
    ),
    "healing ignores the incarnation": Mutation(
        _without(" AND incarnation = :incarnation"), no_agent, ("sign in", "delete")
    ),
    "healing ignores the fence": Mutation(
        _without(" AND ended_through < :sign_in_number"), no_agent, ("sign in", "sign in exclusively")
    ),
    "healing creates an agent": Mutation(
        _written(
            "attribute_exists(agent_id) AND attribute_not_exists(blocked) AND incarnation",
            "attribute_not_exists(agent_id) OR incarnation",
        ),
        signed_in,
        ("sign in", "delete"),
    ),
    # Touches and reports
    "a touch without a condition": Mutation(
        _written("attribute_exists(session_id) AND expires_at > :now AND last_active <= :now", ANY_SESSION),
        signed_in,
        ("touch", "sign out"),
    ),
    "a late touch moves times back": Mutation(
        _without(" AND last_active <= :now"), signed_in, ("touch", "touch"), (0, -1)
    ),
    "a failed touch is a 401 without a read": Mutation(
        _attribute(Validation, "_write_touch", _touch_without_reading(is_valid=False)),
        signed_in,
        ("touch", "touch"),
        (0, -1),
    ),
    "a failed touch is a 200 without a read": Mutation(
        _attribute(Validation, "_write_touch", _touch_without_reading(is_valid=True)),
        about_to_sweep,
        ("sign in", "touch"),
    ),
    "a validation reads the session eventually consistent": Mutation(
        _eventually_consistent("sessions"), signed_in, ("report progress", "sign out")
    ),
    "a late report moves its time back": Mutation(
        _without(" AND (attribute_not_exists(progress_at) OR progress_at <= :progress_at)"),
        used_by_a_fast_clock,
        ("report progress", "report progress"),
        (0, -1),
    ),
    "a sign-out creates an agent": Mutation(
        _written("attribute_exists(agent_id) AND last_active <", "attribute_not_exists(agent_id) OR last_active <"),
        signed_in,
        ("delete", "sign out"),
    ),
    # Block, delete, end all
    "block, delete and end all move no fence": Mutation(
        _written("SET ended_through = if_not_exists(sign_ins", "SET ended_through = if_not_exists(ended_through"),
        signed_in,
        ("sign in", "end all"),
    ),
    "end all ends sessions of every incarnation": Mutation(
        _attribute(agents, "behind_fence", _behind_any_fence), signed_in, ("end all", "create again")
    ),
    "end all ends every session": Mutation(
        _attribute(agents, "behind_fence", lambda _: lambda _: True), signed_in, ("sign in", "end all")
    ),
    "unblock takes the fence away": Mutation(
        _written("REMOVE blocked", "REMOVE blocked, ended_through"), signed_in, ("end all", "unblock")
    ),
    "delete without a block": Mutation(_without("attribute_exists(blocked) AND "), signed_in, ("unblock", "delete")),
    "delete believes a failed condition": Mutation(
        _attribute(AgentService, "delete", _delete(believes=True)), signed_in, ("unblock", "delete")
    ),
    "delete raises on a failed condition": Mutation(
        _attribute(AgentService, "delete", _delete(believes=False)), signed_in, ("delete", "delete")
    ),
    # Exclusive sign-ins
    "an exclusive sign-in moves no fence": Mutation(
        _written("if_not_exists(sign_ins, :zero), last_active", "if_not_exists(ended_through, :zero), last_active"),
        no_agent,
        ("sign in", "sign in exclusively"),
    ),
    "an exclusive sign-in reads only before it writes": Mutation(
        _attribute(SessionService, "_end_rest", lambda *_: None), no_agent, ("sign in exclusively",) * 2
    ),
    "an exclusive sign-in stays beside a later one": Mutation(
        _attribute(SessionService, "_end_rest", _stay_beside_a_later_one), no_agent, ("sign in exclusively",) * 2
    ),
    "clocks decide which sign-in is older": Mutation(
        _attribute(Session, "is_older_than", lambda one, other: one.created_at < other.created_at),
        no_agent,
        ("sign in exclusively",) * 2,
    ),
    "an exclusive sign-in ends sessions of every incarnation": Mutation(
        _attribute(Session, "is_older_than", lambda one, other: one.sign_in_number < other.sign_in_number),
        signed_in,
        ("sign in exclusively", "create again"),
    ),
    # Sweeps
    "a sweep ends a session that is used meanwhile": Mutation(
        _written("last_active = :last_active", ANY_SESSION), about_to_sweep, ("sign in", "touch")
    ),
    "a sweep deletes an expired session that is used meanwhile": Mutation(
        _written("expires_at <= :now", ANY_SESSION), about_to_sweep_an_expiring_session, ("sign in", "touch"), (0, -1)
    ),
    "two sign-ins sweep": Mutation(_without(" AND swept_at = :swept_at"), about_to_sweep, ("sign in", "sign in")),
    "a sweep is counted for another incarnation": Mutation(
        _without(" AND incarnation = :incarnation"), about_to_sweep, ("sign in", "create again")
    ),
    "a sweep creates an agent": Mutation(
        _written(f"attribute_exists(agent_id) AND {SWEEPER}", f"attribute_not_exists(agent_id) OR {SWEEPER}"),
        about_to_sweep,
        ("sign in", "delete"),
    ),
}
