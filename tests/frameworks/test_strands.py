"""examples/frameworks/strands_agent.py with a model that is programmed."""

from collections.abc import AsyncIterable
from typing import Any

import pytest
from agent_sessions_client import Client
from strands import tool
from strands.models import Model
from strands.types.streaming import StreamEvent

from examples.frameworks.strands_agent import signed_in
from tests.frameworks.conftest import Recorder


class Programmed(Model):
    """Uses the tool in each of the first turns, and then says that it is done."""

    def __init__(self, uses: int) -> None:
        self._uses = uses
        self.tool_results: list[Any] = []

    def update_config(self, **_: Any) -> None:
        raise NotImplementedError

    def get_config(self) -> Any:
        return {}

    def structured_output(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    async def stream(self, messages: Any, *_: Any, **__: Any) -> AsyncIterable[StreamEvent]:
        self.tool_results += [each["toolResult"] for each in messages[-1]["content"] if "toolResult" in each]
        uses_tool = len(self.tool_results) < self._uses
        yield {"messageStart": {"role": "assistant"}}
        if uses_tool:
            use = {"toolUseId": f"use-{len(self.tool_results)}", "name": "look_up"}
            yield {"contentBlockStart": {"start": {"toolUse": use}}}  # type: ignore[typeddict-item]
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": "{}"}}}}
        else:
            yield {"contentBlockDelta": {"delta": {"text": "done"}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "tool_use" if uses_tool else "end_turn"}}


LOOKED_UP: list[str] = []


@tool
def look_up() -> str:
    """Look something up."""
    LOOKED_UP.append("once")
    return "found"


@pytest.fixture(autouse=True)
def nothing_looked_up() -> None:
    LOOKED_UP.clear()


def test_agent_reports_its_turn_and_its_tools(client: Client, service: Recorder) -> None:
    with signed_in(
        client, "Researcher", "Project A", model=Programmed(2), tools=[look_up], callback_handler=None
    ) as agent:
        assert str(agent("Go.")).strip() == "done"

    assert service.reports == [
        ("working", "thinking"),
        ("working", "using look_up"),
        ("working", "using look_up"),
        ("waiting", "for the next prompt"),
    ]
    assert (service.calls[0], service.calls[-1]) == ("POST /sessions", "DELETE /sessions/current")
    assert service.body(0)["agent_name"] == "Researcher"


def test_stop_request_cancels_tools_and_reaches_the_model(client: Client, service: Recorder) -> None:
    service.stop_at = 3
    model = Programmed(2)

    with signed_in(client, "Researcher", model=model, tools=[look_up], callback_handler=None) as agent:
        agent("Go.")

    assert len(LOOKED_UP) == 1
    assert [each["status"] for each in model.tool_results] == ["success", "error"]
    assert "budget used up" in str(model.tool_results[1])


def test_outage_does_not_disturb_the_work(client: Client, service: Recorder) -> None:
    service.is_down = True

    with signed_in(client, "Researcher", model=Programmed(1), tools=[look_up], callback_handler=None) as agent:
        assert str(agent("Go.")).strip() == "done"
