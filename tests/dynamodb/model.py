"""What the service promises, in the fewest words: no database, no TTL, nothing that can race."""

from dataclasses import dataclass, field, replace

from agent_sessions.domain.models import Agent, Presence, Session
from agent_sessions.settings import Settings


@dataclass
class Model:
    """Agents and sessions by id; ``caches`` holds what each container remembers, and since when."""

    settings: Settings
    now: int
    agents: dict[str, Agent] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    caches: tuple[dict[str, tuple[int, Session]], ...] = field(default_factory=lambda: ({}, {}))

    def expires_at(self, ends_at: int) -> int:
        return min(self.now + self.settings.idle_timeout + self.settings.touch_interval, ends_at)

    def live(self, agent_id: str | None = None) -> list[Session]:
        live = [each for each in self.sessions.values() if self.now < each.expires_at]
        return sorted((each for each in live if agent_id in (None, each.agent_id)), key=lambda each: each.session_id)

    def sign_in(self, container: int, agent: Agent, session: Session) -> bool:
        """Take over what a sign-in made; return whether the agent was known."""
        reused = agent.agent_id in self.agents
        known = self.agents.get(agent.agent_id, agent)
        self.agents[agent.agent_id] = replace(known, last_active=self.now, sign_ins=known.sign_ins + 1)
        others = self.live(session.agent_id) if session.exclusive else []
        self.sessions[session.session_id] = session
        for each in others:
            self._end(each, self.now, container)
        return reused

    def validate(self, container: int, session_id: str) -> Session | None:
        touch, seen = self.settings.touch_interval, self.settings.last_seen_interval
        since, session = self.caches[container].get(session_id, (-self.now, None))
        remembered = self.now < since + self.settings.session_cache
        if session and remembered and self.now < min(session.expires_at, session.last_active + touch):
            return session
        session = self.sessions.get(session_id)
        if session is None or self.now >= session.expires_at:
            return None
        if self.now >= session.last_active + touch:
            if self.now // seen > session.last_active // seen:
                self._see(session.agent_id, self.now)
            session = replace(session, last_active=self.now, expires_at=self.expires_at(session.ends_at))
        self.sessions[session_id] = session
        self.caches[container][session_id] = (self.now, session)
        return session

    def sign_out(self, container: int, session_id: str) -> Session | None:
        self.caches[container].pop(session_id, None)
        session = self.sessions.get(session_id)
        if session is None or self.now >= session.expires_at:
            return None
        self._end(session, self.now)
        return session

    def end(self, sessions: list[Session]) -> int:
        """End live sessions from where no container hears of it."""
        for each in sessions:
            self._end(each, each.last_active)
        return len(sessions)

    def presence(self, agent_id: str) -> Presence:
        agent, live = self.agents[agent_id], self.live(agent_id)
        return Presence(agent, len(live), max([agent.last_active, *(each.last_active for each in live)]))

    def _end(self, session: Session, seen: int, container: int | None = None) -> None:
        del self.sessions[session.session_id]
        if container is not None:
            self.caches[container].pop(session.session_id, None)
        self._see(session.agent_id, seen)

    def _see(self, agent_id: str, seen: int) -> None:
        agent = self.agents[agent_id]
        self.agents[agent_id] = replace(agent, last_active=max(agent.last_active, seen))
