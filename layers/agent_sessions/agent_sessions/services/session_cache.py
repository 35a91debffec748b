"""A bounded memory of sessions that were just validated, one per container."""

from collections import OrderedDict

from agent_sessions.domain.models import Session

MAX_SESSIONS = 10_000


class SessionCache:
    """Remembers sessions for some seconds, the least recently remembered going first.

    Args:
        seconds: How long a session is remembered; 0 remembers nothing.
        max_sessions: How many are remembered at most.
    """

    def __init__(self, seconds: int, max_sessions: int = MAX_SESSIONS) -> None:
        self._seconds = seconds
        self._max_sessions = max_sessions
        self._entries: OrderedDict[str, tuple[int, Session]] = OrderedDict()

    def get(self, session_id: str, now: int) -> Session | None:
        """Return a session remembered less than ``seconds`` ago and live at ``now``, if there is one."""
        entry = self._entries.get(session_id)
        if entry is None:
            return None
        since, session = entry
        # A clock set back must not make an entry last longer.
        if 0 <= now - since < self._seconds and session.is_live(now):
            return session
        del self._entries[session_id]
        return None

    def remember(self, session: Session, now: int) -> None:
        """Remember a session as it was read at ``now``."""
        if self._seconds <= 0:
            return
        self._entries[session.session_id] = (now, session)
        self._entries.move_to_end(session.session_id)
        if len(self._entries) > self._max_sessions:
            self._entries.popitem(last=False)

    def forget(self, session_id: str) -> None:
        """Forget a session that has ended."""
        self._entries.pop(session_id, None)

    def __len__(self) -> int:
        return len(self._entries)
