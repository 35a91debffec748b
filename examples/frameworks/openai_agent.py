"""A run of the OpenAI Agents SDK that its owner sees and can stop."""

import asyncio
import logging
from typing import Any

from agent_sessions_client import AsyncClient, AsyncSignedInSession, ConnectionFailedError, UnavailableError
from agents import (
    Agent,
    AgentHookContext,
    AgentsException,
    RunConfig,
    RunContextWrapper,
    RunHooks,
    Runner,
    RunResult,
    Tool,
)


class StopRequestedError(AgentsException):
    """The owner asks the agent to stop. The SDK passes only exceptions of its own through a tool's hooks unchanged."""


class Presence(RunHooks[Any]):
    """Reports what a run does, and ends it before its next step once its owner has asked it to stop."""

    def __init__(self, session: AsyncSignedInSession) -> None:
        self._session = session

    async def on_agent_start(self, context: AgentHookContext[Any], agent: Agent[Any]) -> None:
        """Report that an agent has its turn, also after a handoff."""
        await self._report(f"{agent.name} is thinking")

    async def on_tool_start(self, context: RunContextWrapper[Any], agent: Agent[Any], tool: Tool) -> None:
        """Report the tool."""
        await self._report(f"using {tool.name}")

    async def on_tool_end(self, context: RunContextWrapper[Any], agent: Agent[Any], tool: Tool, result: object) -> None:
        """Report that the model is next."""
        await self._report(f"{agent.name} is thinking")

    async def _report(self, activity: str) -> None:
        try:
            await self._session.progress("working", activity)
        except (UnavailableError, ConnectionFailedError) as error:
            logging.warning("the report was not sent: %s", error)
        if stop := self._session.stop_requested:
            raise StopRequestedError(stop.reason)


async def run(
    client: AsyncClient, agent: Agent[Any], prompt: str, context: str | None = None, config: RunConfig | None = None
) -> RunResult:
    """Run an agent to its end, signed in under its name; raises StopRequestedError if its owner asks it to stop."""
    async with client.signed_in(agent.name, context, metadata={"framework": "openai-agents"}) as session:
        return await Runner.run(agent, prompt, hooks=Presence(session), run_config=config)


async def main() -> None:
    """Run an agent."""
    async with AsyncClient.from_environment() as client:
        agent = Agent(name="Researcher", instructions="Answer in one sentence.")
        print((await run(client, agent, "Which of AWS's services end sessions?", "Project A")).final_output)


if __name__ == "__main__":
    asyncio.run(main())
