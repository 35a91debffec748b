"""What the service promises, in the fewest words: no database, no TTL, nothing that can race."""

from dataclasses import dataclass, field, replace

from agent_sessions.models import Agent, Presence, Session

IDLE, LIFETIME, TOUCH, LAST_SEEN = 1800, 43200, 60, 300

type Key = tuple[str, str, str]


@dataclass
class Model:
    """Agents and sessions; ``caches`` holds what each container remembers, and since when."""

    cache: int
    now: int
    agents: dict[Key, Agent] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    caches: tuple[dict[str, tuple[int, Session]], ...] = field(default_factory=lambda: ({}, {}))

    @staticmethod
    def key(owner: str, name: str, context: str | None) -> Key:
        return owner, name.strip().casefold(), (context or "").strip().casefold() or "default"

    def live(self, agent_id: str | None = None) -> list[Session]:
        live = [each for each in self.sessions.values() if self.now < each.expires_at]
        return sorted((each for each in live if agent_id in (None, each.agent_id)), key=lambda each: each.session_id)

    def sign_in(self, container: int, key: Key, agent: Agent, session: Session) -> bool:
        """Take over what a sign-in made; return whether the agent was known."""
        reused = key in self.agents
        known = self.agents.get(key, agent)
        self.agents[key] = replace(known, last_active=self.now, sign_ins=known.sign_ins + 1)
        others = [each for each in self.live(session.agent_id) if session.exclusive]
        self.sessions[session.session_id] = session
        for each in others:
            if each.seniority < session.seniority:
                self._end(each, container)
            elif each.exclusive:
                self.sessions.pop(session.session_id, None)
        return reused

    def validate(self, container: int, session_id: str) -> Session | None:
        since, session = self.caches[container].get(session_id, (0, None))
        if session and self.now < min(since + self.cache, session.expires_at, session.last_active + TOUCH):
            return session
        session = self.sessions.get(session_id)
        if session is None or self.now >= session.expires_at:
            return None
        if self.now >= session.last_active + TOUCH:
            if self.now // LAST_SEEN > session.last_active // LAST_SEEN:
                self._see(session.agent_id, self.now)
            expires_at = min(self.now + IDLE + TOUCH, session.ends_at)
            session = replace(session, last_active=self.now, expires_at=expires_at)
        self.sessions[session_id] = session
        self.caches[container][session_id] = (self.now, session)
        return session

    def sign_out(self, container: int, session_id: str) -> Session | None:
        self.caches[container].pop(session_id, None)
        session = self.sessions.get(session_id)
        if session is None or self.now >= session.expires_at:
            return None
        self._end(session, container)
        self._see(session.agent_id, self.now)
        return session

    def end(self, sessions: list[Session]) -> int:
        """End live sessions from where no container hears of it."""
        for each in sessions:
            self._end(each)
            self._see(each.agent_id, each.last_active)
        return len(sessions)

    def presence(self, key: Key) -> Presence | None:
        agent = self.agents.get(key)
        if agent is None:
            return None
        live = self.live(agent.agent_id)
        return Presence(agent, len(live), max([agent.last_active, *(each.last_active for each in live)]))

    def _end(self, session: Session, container: int | None = None) -> None:
        del self.sessions[session.session_id]
        if container is not None:
            self.caches[container].pop(session.session_id, None)

    def _see(self, agent_id: str, seen: int) -> None:
        for key, agent in self.agents.items():
            if agent.agent_id == agent_id:
                self.agents[key] = replace(agent, last_active=max(agent.last_active, seen))
