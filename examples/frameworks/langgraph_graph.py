"""A LangGraph graph whose runs their owner sees and can stop."""

import logging
from typing import Any, TypedDict

from agent_sessions_client import Client, ConnectionFailedError, SignedInSession, State, UnavailableError
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

INTERRUPT = "__interrupt__"


def run(
    session: SignedInSession,
    graph: CompiledStateGraph[Any, Any, Any, Any],
    given: Any,
    config: RunnableConfig | None = None,
) -> Any:
    """Run a graph until it ends, waits for a person, or is asked to stop; return its last values.

    With a checkpointer, the next run with the same thread continues where this one stopped.
    """
    values: Any = None
    for mode, update in graph.stream(given, config, stream_mode=["updates", "values"]):
        if mode == "values":
            values = update
            continue
        if INTERRUPT in update:
            report(session, "waiting", "for a person")
            break
        report(session, "working", f"after {', '.join(update)}")
        if session.stop_requested:
            break
    return values


def report(session: SignedInSession, state: State, activity: str) -> None:
    """Report; the work goes on if the service is down."""
    try:
        session.progress(state, activity)
    except (UnavailableError, ConnectionFailedError) as error:
        logging.warning("the report was not sent: %s", error)


class Counted(TypedDict):
    """The state of the graph below."""

    count: int


def counting() -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return a graph that counts to 3."""
    builder = StateGraph(Counted)
    builder.add_node("count", lambda state: {"count": state["count"] + 1})
    builder.add_edge(START, "count")
    builder.add_conditional_edges("count", lambda state: END if state["count"] >= 3 else "count")
    return builder.compile()


if __name__ == "__main__":
    with (
        Client.from_environment() as client,
        client.signed_in("Counter", metadata={"framework": "langgraph"}) as signed_in,
    ):
        print(run(signed_in, counting(), {"count": 0}))
