"""Faults at every call of every scenario, and checks of what follows."""

import json
import queue
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from agent_sessions.domain.times import timestamp
from tests.faults.harness import Call, Fault, Harness, Item, Outcome, Plan, State
from tests.faults.scenarios import SCENARIOS
from tests.support.contract import ApiResponse
from tests.support.length import by_length

RANDOM = ("session_id", "agent_id", "owner", "session_token", "next")


@dataclass(frozen=True, slots=True)
class Healthy:
    """A run of a scenario without faults."""

    before: State
    outcome: Outcome
    after: State

    @property
    def writes(self) -> bool:
        return any(call.writes for call in self.outcome.calls)

    @property
    def sweeps(self) -> bool:
        return any(call.is_claim_of_a_sweep for call in self.outcome.calls)

    def failure_metric(self, number: int) -> str | None:
        """Return the metric that counts a failed best-effort call; None if the request fails with the call."""
        call, before = self.outcome.calls[number], self.outcome.calls[:number]
        if call.is_touch or call.is_use_of_the_agent:
            return "TouchFailures"
        if any(each.operation == "PutItem" for each in before):
            # After the write of the new session, the calls end others.
            swept = any(each.is_claim_of_a_sweep for each in (*before, call))
            return "SweepFailures" if swept else "EndFailures"
        if self.heals and any(each.is_use_of_the_agent for each in before):
            return "TouchFailures" if call.operation == "GetItem" else "EndFailures"
        return None

    @property
    def heals(self) -> bool:
        return self.outcome.response.status == HTTPStatus.UNAUTHORIZED

    def succeeds_despite_failures_from(self, number: int) -> bool:
        """Whether the request succeeds although all calls from this one on fail."""
        return all(self.failure_metric(each) for each in range(number, len(self.outcome.calls)))

    @classmethod
    def of(cls, harness: Harness, scenario: str) -> Self:
        request = harness.begin(SCENARIOS[scenario])
        before = harness.state()
        outcome = harness.send(request)
        return cls(before, outcome, harness.state())

    @classmethod
    def of_all(cls, harness: Harness) -> dict[str, Self]:
        return {scenario: cls.of(harness, scenario) for scenario in SCENARIOS}


@dataclass(frozen=True, slots=True)
class Case:
    """A fault at one call of a scenario: of the call's first attempt, or of all attempts from then on.

    Args:
        scenario: Its name.
        number: The number of the call with the fault, from 0.
        call: The call, as the run without faults made it.
        fault: The fault.
        lasting: Whether the fault lasts until the response.
    """

    scenario: str
    number: int
    call: Call
    fault: Fault
    lasting: bool

    def plan(self, call: int, attempt: int) -> Fault | None:
        struck = call >= self.number if self.lasting else (call, attempt) == (self.number, 0)
        return self.fault if struck else None

    def __str__(self) -> str:
        attempts = "every attempt" if self.lasting else "the first attempt"
        return f"{self.scenario}, call {self.number + 1} ({self.call.operation}), {attempts}: {self.fault}"


def cases(healthy: dict[str, Healthy], scenarios: Iterable[str], fault: Fault, *, lasting: bool) -> list[Case]:
    """Return a case for each call of each of the scenarios."""
    return [
        Case(scenario, number, call, fault, lasting)
        for scenario in scenarios
        for number, call in enumerate(healthy[scenario].outcome.calls)
    ]


def share[T](items: Sequence[T], number: int) -> Sequence[T]:
    """Return a fifth of the items at short length, the next fifth for the next number; all at full length."""
    return by_length(items[number % 5 :: 5], items)


class Harnesses:
    """Runs cases at the same time, each in a thread and with a harness that no other case uses."""

    def __init__(self, harnesses: Sequence[Harness]) -> None:
        self._size = len(harnesses)
        self._free: queue.SimpleQueue[Harness] = queue.SimpleQueue()
        for each in harnesses:
            self._free.put(each)

    def failures[T](self, cases: Iterable[T], check: Callable[[Harness, T], None]) -> list[str]:
        """Check all cases; return the failures."""
        with ThreadPoolExecutor(self._size) as pool:
            return [failure for failure in pool.map(lambda case: self._failure(case, check), cases) if failure]

    def _failure[T](self, case: T, check: Callable[[Harness, T], None]) -> str | None:
        harness = self._free.get()
        try:
            check(harness, case)
        except Exception:  # noqa: BLE001  all failures are reported together
            return f"{case}\n{traceback.format_exc()}"
        finally:
            self._free.put(harness)
        return None


def check_lasting(harness: Harness, case: Case, healthy: Healthy) -> None:
    """A request whose call fails returns a 503 in time and harms nothing; repeated without faults, it succeeds.

    Calls that only record use, or end what the agent's fence has ended already, may fail: the request succeeds.
    """
    request = harness.begin(SCENARIOS[case.scenario], again=not healthy.writes)
    struck = harness.send(request, case.plan)
    calls = healthy.outcome.calls
    wrote = any(call.writes for call in (calls[: case.number] if not case.fault.applies else calls))
    left = harness.state() if wrote else healthy.before

    assert struck.seconds < harness.time.limit, struck.seconds
    check_whole(left, healthy)
    if healthy.succeeds_despite_failures_from(case.number):
        check_success_despite_failure(struck, case, healthy)
        check_settled(left, healthy, unrecorded=True)
        return

    check_unavailable(struck, touch_failures=case.call.is_use_of_the_agent)
    again = harness.send(request)
    check_response(again.response, left, harness, healthy)
    if healthy.writes:
        after = harness.state()
        check_whole(after, healthy)
        # A session whose write was reported as failed stays unused; it expires, or ends with an exclusive sign-in.
        orphans = len(left.sessions) - len(healthy.before.sessions) if case.scenario.startswith("sign_in") else 0
        # The next request cannot read the last use of an ended session.
        unrecorded = case.fault.applies and case.call.operation in ("DeleteItem", "BatchWriteItem")
        check_settled(after, healthy, unrecorded=unrecorded, orphans=orphans)


def check_passing(harness: Harness, case: Case, healthy: Healthy) -> None:
    """A fault of one attempt is not noticed."""
    request = harness.begin(SCENARIOS[case.scenario], again=not healthy.writes)
    outcome = harness.send(request, case.plan, timed=False)

    check_response(outcome.response, healthy.before, harness, healthy)
    # The second attempt finds that the session had already ended, which counts nothing and records no use.
    ended_before = case.fault.applies and case.call.ends_one_session
    assert outcome.counted == (Counter() if ended_before else healthy.outcome.counted)
    if healthy.writes:
        after = harness.state()
        check_whole(after, healthy)
        # The second attempt finds that this sign-in had claimed the sweep, which looks like another's claim.
        check_settled(after, healthy, unrecorded=ended_before)


def check_mixture(harness: Harness, scenario: str, plan: Plan, healthy: Healthy) -> None:
    """If many calls are slow or fail, a response still comes in time, and nothing is harmed."""
    request = harness.begin(SCENARIOS[scenario], again=not healthy.writes)
    outcome = harness.send(request, plan)
    left = harness.state() if healthy.writes else healthy.before

    assert outcome.seconds < harness.time.limit, outcome.seconds
    check_whole(left, healthy)
    if outcome.response.status == HTTPStatus.SERVICE_UNAVAILABLE:
        check_unavailable(outcome, touch_failures=True)
        check_response(harness.send(request).response, left, harness, healthy)
    elif "TouchFailures" in outcome.counted:
        assert outcome.response.status in (healthy.outcome.response.status, HTTPStatus.OK)
    elif is_partial(outcome.response):
        check_partial(outcome.response, healthy)
    else:
        check_response(outcome.response, healthy.before, harness, healthy)


def check_unavailable(outcome: Outcome, *, touch_failures: bool = False) -> None:
    response = outcome.response
    assert response.status == HTTPStatus.SERVICE_UNAVAILABLE, response
    assert response.headers["Retry-After"] == "1"
    assert response.body["error"] == "DatabaseError"
    counted = Counter(outcome.counted)
    if touch_failures:
        del counted["TouchFailures"]
    assert counted == {"DatabaseErrors": 1}


def check_success_despite_failure(outcome: Outcome, case: Case, healthy: Healthy) -> None:
    """The request succeeds although a best-effort call failed, and a metric counts that."""
    body, counted = masked(healthy.outcome.response), Counter(healthy.outcome.counted)
    failed = {
        metric
        for number in range(case.number, len(healthy.outcome.calls))
        if (metric := healthy.failure_metric(number))
    }
    if healthy.heals and "TouchFailures" in failed:
        # The agent could not be read, so the session stays valid for another interval.
        assert outcome.response.status == HTTPStatus.OK
        assert outcome.counted == {"Validations": 1, "TouchFailures": 2}
        return
    assert outcome.response.status == healthy.outcome.response.status
    if any(call.is_touch for call in healthy.outcome.calls[case.number :]):
        # The response shows the session as it was read.
        (session,) = healthy.before.sessions
        body |= {name: timestamp(int(session[name]["N"])) for name in ("last_active", "expires_at")}
        del counted["Touches"]
    assert masked(outcome.response) == body
    metric = healthy.failure_metric(case.number)
    assert metric
    assert metric in outcome.counted
    assert Counter({name: count for name, count in outcome.counted.items() if name not in failed}) == counted


def check_response(response: ApiResponse, before: State, harness: Harness, healthy: Healthy) -> None:
    """The response equals that of a run without faults, and what depends on earlier state is true of ``before``."""
    if healthy.outcome.response.status == HTTPStatus.NO_CONTENT and healthy.before.agents and not before.agents:
        # The agent was deleted, although the caller saw a failure.
        assert response.status == HTTPStatus.NOT_FOUND
        return
    body, truth = (
        masked(healthy.outcome.response),
        {"reused": bool(before.agents), "ended": before.live(harness.now.time)},
    )
    assert response.status == healthy.outcome.response.status, response
    assert response.headers == healthy.outcome.response.headers
    assert masked(response) == body | {name: value for name, value in truth.items() if name in body}


def is_partial(response: ApiResponse) -> bool:
    """Whether time ran out: a page that is not the last, or a count that is a lower bound."""
    body = json.loads(response.text or "{}")
    return response.status == HTTPStatus.OK and (
        bool(body.get("next")) or any("active_sessions_capped" in each for each in (body, *body.get("agents", ())))
    )


def check_partial(response: ApiResponse, healthy: Healthy) -> None:
    """A short page is the beginning of the whole one; a lower bound does not exceed the number."""
    body, whole = masked(response), masked(healthy.outcome.response)
    if "sessions" in body:
        assert body["sessions"] == whole["sessions"][: len(body["sessions"])]
        return
    (agent,), (counted,) = (each.get("agents", [each]) for each in (body, whole))
    if not agent.get("blocked"):
        assert agent.pop("active_sessions") <= counted["active_sessions"]
    for each in (agent, counted):
        for name in ("active_sessions", "active_sessions_capped", "online"):
            each.pop(name, None)
    assert agent == counted


def check_whole(state: State, healthy: Healthy) -> None:
    """No agent is lost or duplicated, and every item has all of its attributes."""
    counts = [len(run.agents) for run in (healthy.before, healthy.after)]
    assert min(counts) <= len(state.agents) <= max(counts)
    for name in ("agents", "sessions"):
        good = {_attributes(each) for run in (healthy.before, healthy.after) for each in getattr(run, name)}
        assert {_attributes(each) for each in getattr(state, name)} <= good, name


def _attributes(item: Item) -> frozenset[str]:
    """Return the names of an item's attributes; a deletion blocks its agent first."""
    return frozenset(item) - {"blocked"}


def check_settled(state: State, healthy: Healthy, *, unrecorded: bool = False, orphans: int = 0) -> None:
    """The tables have the items of a run without faults; if ``unrecorded``, with or without the last use."""
    agents, due = ([_settled(each) for each in run.agents] for run in (state, healthy.after))
    if unrecorded and agents:
        for now, then, last in zip(agents, map(_settled, healthy.before.agents), due, strict=True):
            assert now["last_active"] in (then["last_active"], last["last_active"])
            now["last_active"] = last["last_active"]
    assert agents == due

    kept, wanted, was = (Counter(map(_line, run.sessions)) for run in (state, healthy.after, healthy.before))
    if unrecorded and (kept == was or healthy.heals):
        # A session that was not healed is dead all the same, touched or not.
        assert kept.total() <= was.total()
        return
    if healthy.sweeps:
        # Which sessions are ended depends on chance, and a sweep that fails leaves them to the next.
        assert wanted - was <= kept
        assert wanted.total() <= kept.total() <= (was + wanted).total() + orphans
        return
    assert wanted <= kept
    assert (kept - wanted).total() == orphans


def masked(response: ApiResponse) -> dict[str, Any]:
    """Return a body with placeholders for random values; empty if there is none."""
    return _masked(json.loads(response.text or "{}"))  # type: ignore[no-any-return]


def _masked(node: Any) -> Any:
    if isinstance(node, list):
        return [_masked(each) for each in node]
    if isinstance(node, dict):
        return {key: key if key in RANDOM and value else _masked(value) for key, value in node.items()}
    return node


def _settled(item: Item) -> Item:
    """Return an item without random values, and without counts of sign-ins, which count attempts."""
    varying = ("agent_id", "session_id", "owner", "incarnation", "sign_ins", "sign_in_number", "swept_at")
    settled = {name: value for name, value in item.items() if name not in varying}
    if "ended_through" in item:
        settled["ended_through"] = int(item["ended_through"]["N"]) >= int(item["sign_ins"]["N"])
    return settled


def _line(item: Item) -> str:
    return json.dumps(_settled(item), sort_keys=True)
