from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from weakref import ref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.metrics import Metric
from agent_sessions.services.activity_report import ACTIVE_AGENTS, ACTIVE_SESSIONS, count_sessions_and_agents


@pytest.mark.parametrize(
    ("pages", "sessions", "agents"),
    [
        ([], 0, 0),
        ([[]], 0, 0),
        ([["a"]], 1, 1),
        ([["a", "a", "a"]], 3, 1),
        ([["a", "b", "c"]], 3, 3),
        ([["a", "a", "b"], ["c", "c"]], 5, 3),
        ([["a", "a"], ["a", "b"]], 4, 2),
        ([["a"], ["a"], ["a"]], 3, 1),
        ([["a"], [], ["a"]], 2, 1),
        ([[], ["a"], [], [], ["b"], []], 2, 2),
        ([["a", "b", "a"]], 3, 3),
        ([[""], [""]], 2, 1),
    ],
)
def test_run_of_one_agent_counts_once_across_pages(pages: list[list[str]], sessions: int, agents: int) -> None:
    assert count_sessions_and_agents(pages) == (sessions, agents)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), max_size=6))
def test_pages_do_not_change_the_count(pages: list[list[str]]) -> None:
    entries = list(chain.from_iterable(pages))

    assert count_sessions_and_agents(pages) == (len(entries), len(list(groupby(entries))))
    assert count_sessions_and_agents([entries]) == count_sessions_and_agents(pages)


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 5)), st.integers(1, 7))
def test_grouped_agents_are_counted_exactly(sessions_of: dict[str, int], page_size: int) -> None:
    entries = [agent for agent, sessions in sessions_of.items() for _ in range(sessions)]
    pages = [entries[start : start + page_size] for start in range(0, len(entries), page_size)]

    assert count_sessions_and_agents(pages) == (sum(sessions_of.values()), len(sessions_of))


def test_pages_are_read_one_at_a_time() -> None:
    class Page(list[str]):
        """A list that can be referred to weakly."""

    yielded: list[ref[Page]] = []

    def pages() -> Iterator[Sequence[str]]:
        for _ in range(100):
            page = Page(["a", "b"])
            yielded.append(ref(page))
            yield page
            assert sum(each() is not None for each in yielded) == 1

    assert count_sessions_and_agents(pages()) == (200, 200)


def test_unreadable_page_fails_the_count() -> None:
    def pages() -> Iterator[Sequence[str]]:
        yield ["a"]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        count_sessions_and_agents(pages())


def test_metric_names_are_pinned() -> None:
    # The dashboard, the alarms and the graphs of years are made of these.
    assert {str(metric) for metric in Metric} == {
        "SignIns",
        "AgentsCreated",
        "AgentsRecognised",
        "Validations",
        "RejectedTokens",
        "SignOuts",
        "Touches",
        "TouchFailures",
        "EndFailures",
        "SweepFailures",
        "DatabaseErrors",
    }
    assert (ACTIVE_SESSIONS, ACTIVE_AGENTS) == ("ActiveSessions", "ActiveAgents")


def test_metric_name_follows_its_member() -> None:
    names = {metric: "".join(word.capitalize() for word in metric.name.split("_")) for metric in Metric}

    assert all(metric == name for metric, name in names.items())
