"""A signed-in agent in a program with threads."""

import threading

from agent_sessions_client.driver import SyncDriver
from agent_sessions_client.models import Session, State
from agent_sessions_client.operations import UNCHANGED, Operations, Unchanged
from agent_sessions_client.signed_in import SignedIn, SignedInView, Use, check_interval


class SignedInSession(SignedInView):
    """A signed-in agent. Safe with threads: its calls run one after another.

    If its session has ended, the next call signs in again, once. It does not after an exclusive sign-in, because the
    other session would end in turn; nor after a 403, because the agent is blocked.
    """

    def __init__(self, state: SignedIn, operations: Operations, driver: SyncDriver) -> None:
        super().__init__(state)
        self._operations = operations
        self._driver = driver
        self._lock = threading.Lock()
        self._stop_touching = threading.Event()

    def touch(self) -> Session:
        """Validate and extend the session; raises InvalidSessionError if it has ended and no sign-in is possible."""
        return self._use(self._operations.validate)

    def progress(
        self,
        state: State | Unchanged | None = UNCHANGED,
        activity: str | Unchanged | None = UNCHANGED,
    ) -> Session:
        """Report what the agent is doing, which also extends the session.

        Args:
            state: `working`, `waiting` (for a person or another system) or `idle`; None removes it.
            activity: The same in words, up to 120 characters; None removes it.

        Raises:
            InvalidSessionError: the session has ended and no sign-in is possible.
        """
        return self._use(lambda token: self._operations.progress(token, state, activity))

    def sign_out(self) -> None:
        """End the session; this also succeeds if it had already ended."""
        self._stop_touching.set()
        with self._lock:
            self._driver.run(self._state.sign_out())

    def touch_every(self, seconds: float) -> None:
        """Touch the session in a background thread until it is signed out; see `Client.sign_in`.

        A second call changes the interval.
        """
        check_interval(seconds)
        self._stop_touching.set()
        self._stop_touching = stop = threading.Event()
        threading.Thread(target=self._touch, args=(seconds, stop), name="agent-sessions-touch", daemon=True).start()

    def _use(self, use: Use) -> Session:
        with self._lock:
            return self._driver.run(self._state.use(use))

    def _touch(self, seconds: float, stop: threading.Event) -> None:
        while not (stop.wait(seconds) or self._state.is_signed_out or self._driver.is_closed):
            self._driver.run(self._state.touch_in_background())
