"""Finds what a person means by a name, an id or the beginning of an id."""

from collections.abc import Iterable
from typing import TypeVar

from agent_sessions_client.client import Client
from agent_sessions_client.models import Agent, Session

MIN_PREFIX = 4
Found = TypeVar("Found", Session, Agent)


class TargetError(Exception):
    """Nothing, or more than one thing, has this name or id."""


def find_sessions(client: Client, target: str) -> list[Session]:
    """Return the live sessions of an agent by its name or id, or the one session whose id begins with it.

    Raises:
        TargetError: there is none, or several agents or sessions match.
    """
    sessions = list(client.sessions())
    named = _named(sessions, target)
    if named:
        one_each = list({each.agent_id: each for each in named}.values())
        _only(one_each, target, "agent", (f"{each.agent_id}  {each.display_name}" for each in one_each))
        return named
    found = [each for each in sessions if _begins(each.session_id, target)]
    return [_only(found, target, "live session", (f"{each.session_id}  {each.display_name}" for each in found))]


def find_agent(client: Client, target: str) -> Agent:
    """Return the agent with this name, or whose id begins with it; raises TargetError if none or several match."""
    agents = list(client.agents())
    found = _named(agents, target) or [each for each in agents if _begins(each.agent_id, target)]
    return _only(found, target, "agent", (f"{each.agent_id}  {each.display_name}" for each in found))


def _named(candidates: list[Found], target: str) -> list[Found]:
    """Return what has the id or the whole display name, or else the name in any context."""
    wanted = " ".join(target.casefold().split())
    exact = [each for each in candidates if wanted in (each.display_name.casefold(), each.agent_id)]
    return exact or [each for each in candidates if wanted == each.agent_name.casefold()]


def _begins(identifier: str, target: str) -> bool:
    return len(target) >= MIN_PREFIX and identifier.startswith(target.lower())


def _only(found: list[Found], target: str, kind: str, lines: Iterable[str]) -> Found:
    if len(found) == 1:
        return found[0]
    if not found:
        raise TargetError(f"no {kind} has the name {target!r} or an id that begins with it")
    raise TargetError(f"{target!r} matches more than one {kind}; give more of the name or id:\n  " + "\n  ".join(lines))
