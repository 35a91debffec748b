"""examples/frameworks/openai_agent.py with a model that is programmed."""

import asyncio
from typing import Any

import pytest
from agent_sessions_client import AsyncClient
from agents import Agent, Model, ModelResponse, RunConfig, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from examples.frameworks.openai_agent import StopRequestedError, run
from tests.frameworks.conftest import Recorder

QUIET = RunConfig(tracing_disabled=True)


class Programmed(Model):
    """Uses the tool once, and then says that it is done."""

    def __init__(self) -> None:
        self.calls = 0

    async def get_response(self, *_: Any, **__: Any) -> ModelResponse:
        self.calls += 1
        text = ResponseOutputText(text="done", type="output_text", annotations=[])
        message = ResponseOutputMessage(id="m", role="assistant", status="completed", type="message", content=[text])
        use = ResponseFunctionToolCall(arguments="{}", call_id="c", name="look_up", type="function_call")
        return ModelResponse([use if self.calls == 1 else message], Usage(), None)

    def stream_response(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


@function_tool
def look_up() -> str:
    """Look something up."""
    return "found"


def test_run_reports_its_steps(async_client: AsyncClient, service: Recorder) -> None:
    agent = Agent(name="Researcher", model=Programmed(), tools=[look_up])

    result = asyncio.run(run(async_client, agent, "Go.", "Project A", QUIET))

    assert result.final_output == "done"
    assert service.reports[0] == ("working", "Researcher is thinking")
    assert ("working", "using look_up") in service.reports
    assert (service.calls[0], service.calls[-1]) == ("POST /sessions", "DELETE /sessions/current")


@pytest.mark.parametrize("step", [1, 2])
def test_stop_request_ends_the_run_and_signs_out(async_client: AsyncClient, service: Recorder, step: int) -> None:
    service.stop_at = step
    model = Programmed()
    agent = Agent(name="Researcher", model=model, tools=[look_up])

    with pytest.raises(StopRequestedError, match="budget used up"):
        asyncio.run(run(async_client, agent, "Go.", None, QUIET))

    assert (model.calls, len(service.reports)) == (step - 1, step)
    assert service.calls[-1] == "DELETE /sessions/current"


def test_outage_does_not_disturb_the_work(async_client: AsyncClient, service: Recorder) -> None:
    service.is_down = True
    agent = Agent(name="Researcher", model=Programmed(), tools=[look_up])

    assert asyncio.run(run(async_client, agent, "Go.", None, QUIET)).final_output == "done"
