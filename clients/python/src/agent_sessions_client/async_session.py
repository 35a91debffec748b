"""A signed-in agent in a program with asyncio."""

import asyncio

from agent_sessions_client.driver import AsyncDriver
from agent_sessions_client.models import Session, State
from agent_sessions_client.operations import UNCHANGED, Operations, Unchanged
from agent_sessions_client.signed_in import SignedIn, SignedInView, Use, check_interval


class AsyncSignedInSession(SignedInView):
    """A signed-in agent. Its calls run one after another.

    If its session has ended, the next call signs in again, once. It does not after an exclusive sign-in, because the
    other session would end in turn; nor after a 403, because the agent is blocked.
    """

    def __init__(self, state: SignedIn, operations: Operations, driver: AsyncDriver) -> None:
        super().__init__(state)
        self._operations = operations
        self._driver = driver
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def touch(self) -> Session:
        """Validate and extend the session; raises InvalidSessionError if it has ended and no sign-in is possible."""
        return await self._use(self._operations.validate)

    async def progress(
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
        return await self._use(lambda token: self._operations.progress(token, state, activity))

    async def sign_out(self) -> None:
        """End the session; this also succeeds if it had already ended."""
        self._stop_touching()
        async with self._lock:
            await self._driver.run(self._state.sign_out())

    def touch_every(self, seconds: float) -> None:
        """Touch the session in a background task until it is signed out; see `AsyncClient.sign_in`.

        A second call changes the interval.
        """
        check_interval(seconds)
        self._stop_touching()
        self._task = asyncio.get_running_loop().create_task(self._touch(seconds), name="agent-sessions-touch")

    def _stop_touching(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _use(self, use: Use) -> Session:
        async with self._lock:
            return await self._driver.run(self._state.use(use))

    async def _touch(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            if self._state.is_signed_out or self._driver.is_closed:
                return
            await self._driver.run(self._state.touch_in_background())
