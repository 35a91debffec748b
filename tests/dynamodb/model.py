"""A model of the service: what it guarantees, without database, TTL or races."""

from dataclasses import dataclass, field, replace
from typing import Any

from agent_sessions.domain.models import Agent, Presence, Session, StopRequest
from agent_sessions.settings import Settings

SIGN_INS_PER_SWEEP = 16


@dataclass
class Model:
    """Agents and sessions by id; ``caches`` has the cached sessions of each container, and their times."""

    settings: Settings
    now: int
    agents: dict[str, Agent] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    caches: tuple[dict[str, tuple[int, Session]], ...] = field(default_factory=lambda: ({}, {}))

    # -- reads

    def is_live(self, session: Session) -> bool:
        return (
            self.now < min(session.expires_at, session.ends_at)
            and session.created_at >= self.settings.sessions_not_before
        )

    def live(self, agent_id: str | None = None, *, owner: str | None = None) -> list[Session]:
        """Return the live sessions of an agent, of an owner, or all, ordered by session_id."""
        found = [
            each
            for each in self.sessions.values()
            if self.is_live(each) and agent_id in (None, each.agent_id) and owner in (None, each.owner)
        ]
        return sorted(found, key=lambda each: each.session_id)

    def presence(self, agent_id: str) -> Presence | None:
        agent = self.agents.get(agent_id)
        return None if agent is None else Presence(agent, len(self.live(agent_id)))

    # -- what an agent does

    def sign_in(self, container: int, agent: Agent, session: Session) -> bool:
        """Store the agent and the session of a sign-in; return whether the agent existed."""
        reused = agent.agent_id in self.agents
        known = self.agents.get(agent.agent_id, agent)
        number = known.sign_ins + 1
        self.agents[agent.agent_id] = replace(
            known,
            last_active=self.now,
            sign_ins=number,
            incarnation=known.incarnation or session.session_id,
            ended_through=known.sign_ins if session.exclusive else known.ended_through,
        )
        ended = self.live(session.agent_id) if session.exclusive else []
        self.sessions[session.session_id] = session
        self._end(ended, container)
        self._sweep(container, session)
        return reused

    def validate(self, container: int, session_id: str, *, touch: bool = True) -> Session | None:
        since, remembered = self.caches[container].get(session_id, (-self.now, None))
        is_fresh = self.now < since + self.settings.session_cache
        if remembered and is_fresh and self.is_live(remembered) and not (touch and self._touch_is_due(remembered)):
            return remembered
        session = self._load(session_id)
        if session is None:
            self.forget(container, session_id)
            return None
        return self._store(container, self._used(session) if touch and self._touch_is_due(session) else session)

    def report_progress(self, container: int, session_id: str, progress: dict[str, Any]) -> Session | None:
        session = self._load(session_id)
        if session is None:
            self.forget(container, session_id)
            return None
        return self._store(container, replace(self._used(session), progress_at=self.now, **progress))

    def forget(self, container: int, session_id: str) -> None:
        """Drop a session from the cache of a container."""
        self.caches[container].pop(session_id, None)

    def sign_out(self, container: int, session_id: str) -> Session | None:
        self.forget(container, session_id)
        session = self._load(session_id)
        if session is not None:
            self._end([session])
            self._see(session.agent_id, self.now)
        return session

    # -- what an owner does

    def end_one(self, session_id: str) -> None:
        session = self._load(session_id)
        if session is not None:
            self._end([session])
            self._see(session.agent_id, session.last_active)

    def end_all(self, agent_id: str, *, block: bool = False) -> int:
        """Move the fence and end the sessions; return how many."""
        agent = self.agents[agent_id]
        self.agents[agent_id] = replace(agent, ended_through=agent.sign_ins, blocked=block or agent.blocked)
        return self._end(self.live(agent_id))

    def end_all_of(self, owner: str) -> int:
        return self._end(self.live(owner=owner))

    def unblock(self, agent_id: str) -> None:
        self.agents[agent_id] = replace(self.agents[agent_id], blocked=False)

    def delete(self, agent_id: str) -> None:
        self.end_all(agent_id, block=True)
        del self.agents[agent_id]

    def request_stop(self, session_id: str, request: StopRequest | None) -> Session | None:
        session = self._load(session_id)
        if session is None:
            return None
        self.sessions[session_id] = replace(session, stop_requested=request)
        return self.sessions[session_id]

    def redeploy(self, settings: Settings) -> None:
        """Start containers with empty caches."""
        self.settings = settings
        for cache in self.caches:
            cache.clear()

    # -- rules

    def expires_at(self, idle_seconds: int, ends_at: int) -> int:
        return min(self.now + idle_seconds + self.settings.touch_interval, ends_at)

    def _load(self, session_id: str) -> Session | None:
        session = self.sessions.get(session_id)
        return session if session is not None and self.is_live(session) else None

    def _store(self, container: int, session: Session) -> Session:
        self.sessions[session.session_id] = session
        self.caches[container][session.session_id] = (self.now, session)
        return session

    def _touch_is_due(self, session: Session) -> bool:
        return self.now >= session.last_active + self.settings.touch_interval

    def _used(self, session: Session) -> Session:
        interval = self.settings.last_seen_interval
        if self.now // interval > session.last_active // interval:
            self._see(session.agent_id, self.now)
        expires_at = self.expires_at(session.idle_seconds, session.ends_at)
        return replace(session, last_active=self.now, expires_at=expires_at)

    def _end(self, sessions: list[Session], container: int | None = None) -> int:
        """End sessions; only the container that ends them forgets them at once."""
        for each in sessions:
            del self.sessions[each.session_id]
            if container is not None:
                self.caches[container].pop(each.session_id, None)
        return len(sessions)

    def _sweep(self, container: int, own: Session) -> None:
        """At every 16th sign-in, end the least recently used sessions beyond the limit."""
        agent, limit = self.agents[own.agent_id], self.settings.max_sessions_per_agent
        if limit == 0 or agent.sign_ins - agent.swept_at < SIGN_INS_PER_SWEEP:
            return
        self.agents[own.agent_id] = replace(agent, swept_at=agent.sign_ins)
        live = self.live(own.agent_id)
        older = sorted((each for each in live if each != own), key=lambda each: each.last_active)
        self._end(older[: max(0, len(live) - limit)], container)

    def _see(self, agent_id: str, seen: int) -> None:
        agent = self.agents[agent_id]
        self.agents[agent_id] = replace(agent, last_active=max(agent.last_active, seen))
