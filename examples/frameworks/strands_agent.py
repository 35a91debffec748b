"""A Strands agent that its owner sees and can stop."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agent_sessions_client import Client, ConnectionFailedError, SignedInSession, State, UnavailableError
from strands import Agent
from strands.hooks import (
    AfterInvocationEvent,
    BeforeInvocationEvent,
    BeforeToolCallEvent,
    HookProvider,
    HookRegistry,
)


class Presence(HookProvider):
    """Reports what an agent does, and cancels its tools once its owner has asked it to stop."""

    def __init__(self, session: SignedInSession) -> None:
        self._session = session

    def register_hooks(self, registry: HookRegistry, **_: Any) -> None:
        """Register one callback for the beginning and the end of each turn, and one for each tool."""
        registry.add_callback(BeforeInvocationEvent, lambda _: self._report("working", "thinking"))
        registry.add_callback(BeforeToolCallEvent, self._before_tool)
        registry.add_callback(AfterInvocationEvent, lambda _: self._report("waiting", "for the next prompt"))

    def _before_tool(self, event: BeforeToolCallEvent) -> None:
        self._report("working", f"using {event.tool_use['name']}")
        if stop := self._session.stop_requested:
            event.cancel_tool = f"The owner of this agent asks it to stop: {stop.reason}. Finish now."

    def _report(self, state: State, activity: str) -> None:
        try:
            self._session.progress(state, activity)
        except (UnavailableError, ConnectionFailedError) as error:
            logging.warning("the report was not sent: %s", error)


@contextmanager
def signed_in(client: Client, agent_name: str, context: str | None = None, **agent: Any) -> Iterator[Agent]:
    """Yield a Strands agent that is signed in; the keywords are those of `strands.Agent`."""
    with client.signed_in(agent_name, context, metadata={"framework": "strands"}) as session:
        yield Agent(name=agent_name, hooks=[Presence(session)], **agent)


if __name__ == "__main__":
    with Client.from_environment() as client, signed_in(client, "Researcher", "Project A") as agent:
        agent("Which of AWS's services end sessions?")
