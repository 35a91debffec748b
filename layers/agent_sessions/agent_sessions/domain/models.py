"""What the service knows: agents, sessions, presence. Times are epoch seconds."""

from dataclasses import dataclass

MAX_PAGE = 100  # entries in one page of a list


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Who signs in. Lives on after its sessions."""

    agent_id: str
    owner: str
    identity_key: str
    agent_name: str
    context: str | None
    created_at: int
    last_active: int
    sign_ins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A time in which one agent is signed in, known by its public handle ``session_id``."""

    agent_id: str
    session_id: str
    owner: str
    agent_name: str
    context: str | None
    created_at: int
    last_active: int
    expires_at: int
    ends_at: int
    sign_in_number: int
    exclusive: bool = False

    def is_live(self, now: int) -> bool:
        """Whether the session counts at ``now``: the one rule of expiry, whatever TTL has deleted."""
        return now < self.expires_at

    @property
    def sign_in_order(self) -> tuple[int, int, str]:
        """Orders the sessions of an agent: of two, the smaller is the older.

        Within a second the agent's own count of sign-ins tells which came first.
        """
        return self.created_at, self.sign_in_number, self.session_id


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session, its token (shown this once), and whether the agent was known before."""

    session: Session
    session_token: str
    reused: bool

    def __repr__(self) -> str:
        return f"SignedIn(session={self.session!r}, reused={self.reused!r})"


@dataclass(frozen=True, slots=True)
class Presence:
    """An agent with its number of live sessions and the time when it was last seen."""

    agent: Agent
    active_sessions: int
    last_active: int


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some live sessions of an agent, and the handle after which the next page starts, if there is one."""

    sessions: tuple[Session, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How many live sessions were ended, and whether time ran out before all were."""

    count: int
    more: bool
