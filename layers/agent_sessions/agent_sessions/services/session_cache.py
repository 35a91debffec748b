"""A bounded cache of sessions that were just validated, one per container."""

import threading
from collections import OrderedDict

from agent_sessions.domain.models import Session

MAX_SESSIONS = 10_000


class SessionCache:
    """Remembers sessions for some seconds, and drops the least recently remembered; safe with threads.

    Args:
        seconds: How long a session is remembered; 0 remembers nothing.
        max_sessions: How many are remembered at most.
    """

    def __init__(self, seconds: int, max_sessions: int = MAX_SESSIONS) -> None:
        self._seconds = seconds
        self._max_sessions = max_sessions
        self._entries: OrderedDict[str, tuple[int, Session]] = OrderedDict()
        self._forgotten = 0
        self._lock = threading.Lock()

    @property
    def generation(self) -> int:
        """Changes whenever a session is forgotten. Read it before the session that is to be remembered."""
        return self._forgotten

    def get(self, session_id: str, now: int) -> Session | None:
        """Return a session that was remembered less than ``seconds`` ago, live or not."""
        with self._lock:
            entry = self._entries.get(session_id)
            if entry is None:
                return None
            since, session = entry
            # A clock that is set back must not make an entry last longer.
            if 0 <= now - since < self._seconds:
                return session
            del self._entries[session_id]
            return None

    def remember(self, session: Session, now: int, generation: int) -> None:
        """Remember a session as it was read at ``now``.

        Args:
            session: The session.
            now: The time.
            generation: The ``generation`` before it was read. If a session was forgotten since, it may have
                been this one, so nothing is remembered.
        """
        if self._seconds <= 0:
            return
        with self._lock:
            if generation != self._forgotten:
                return
            self._entries[session.session_id] = (now, session)
            self._entries.move_to_end(session.session_id)
            if len(self._entries) > self._max_sessions:
                self._entries.popitem(last=False)

    def forget(self, session_id: str) -> None:
        """Forget a session that has ended."""
        with self._lock:
            self._forgotten += 1
            self._entries.pop(session_id, None)

    def __len__(self) -> int:
        return len(self._entries)
