"""examples/frameworks/langgraph_graph.py, with a graph that counts and one that waits for a person."""

from typing import Any

from agent_sessions_client import Client
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from examples.frameworks.langgraph_graph import Counted, counting, run
from tests.frameworks.conftest import Recorder

THREAD: RunnableConfig = {"configurable": {"thread_id": "1"}}


def test_run_reports_each_node(client: Client, service: Recorder) -> None:
    with client.signed_in("Counter") as session:
        assert run(session, counting(), {"count": 0}) == {"count": 3}

    assert service.reports == [("working", "after count")] * 3
    assert (service.calls[0], service.calls[-1]) == ("POST /sessions", "DELETE /sessions/current")


def test_stop_request_ends_the_run_after_the_node(client: Client, service: Recorder) -> None:
    service.stop_at = 2

    with client.signed_in("Counter") as session:
        assert run(session, counting(), {"count": 0})["count"] < 3

    assert len(service.reports) == 2


def asking() -> Any:
    builder = StateGraph(Counted)
    builder.add_node("ask", lambda state: {"count": state["count"] + interrupt("How many?")})
    builder.add_edge(START, "ask")
    builder.add_edge("ask", END)
    return builder.compile(checkpointer=InMemorySaver())


def test_interrupt_is_reported_as_waiting_and_can_be_resumed(client: Client, service: Recorder) -> None:
    graph = asking()

    with client.signed_in("Counter") as session:
        run(session, graph, {"count": 0}, THREAD)
        assert service.reports == [("waiting", "for a person")]
        assert run(session, graph, Command(resume=5), THREAD) == {"count": 5}

    assert service.reports[1:] == [("working", "after ask")]


def test_outage_does_not_disturb_the_work(client: Client, service: Recorder) -> None:
    service.is_down = True

    with client.signed_in("Counter") as session:
        assert run(session, counting(), {"count": 0}) == {"count": 3}
