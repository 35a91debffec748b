"""Every fault at every call of every scenario, and what must follow."""

import json
import queue
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from agent_sessions.http.response_models import timestamp
from tests.faults.harness import Call, Fault, Harness, Item, Outcome, Plan, State
from tests.faults.scenarios import SCENARIOS
from tests.support.contract import ApiResponse

ANSWER_SECONDS = 5
RANDOM = ("session_id", "agent_id", "owner", "session_token", "next")


@dataclass(frozen=True, slots=True)
class Healthy:
    """An untroubled run of a scenario."""

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
        """Return what counts the failure of a best-effort call; None if the request fails with the call."""
        call, before = self.outcome.calls[number], self.outcome.calls[:number]
        if call.is_touch or call.is_use_of_the_agent:
            return "TouchFailures"
        if any(each.operation == "PutItem" for each in before):
            # The new session is written: what follows ends others.
            swept = any(each.is_claim_of_a_sweep for each in (*before, call))
            return "SweepFailures" if swept else "EndFailures"
        if self.heals and any(each.is_use_of_the_agent for each in before):
            return "TouchFailures" if call.operation == "GetItem" else "EndFailures"
        return None

    @property
    def heals(self) -> bool:
        return self.outcome.answer.status == HTTPStatus.UNAUTHORIZED

    def stands(self, number: int) -> bool:
        """Whether the response stands although all calls from this one on fail."""
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
        number: Which call is struck, from 0.
        call: The call, as the untroubled run made it.
        fault: What strikes.
        lasting: Whether the fault lasts until the request is answered.
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


class Harnesses:
    """Runs cases at the same time, each in a thread and with a harness that no other uses meanwhile."""

    def __init__(self, harnesses: Sequence[Harness]) -> None:
        self._size = len(harnesses)
        self._free: queue.SimpleQueue[Harness] = queue.SimpleQueue()
        for each in harnesses:
            self._free.put(each)

    def failures[T](self, cases: Iterable[T], check: Callable[[Harness, T], None]) -> list[str]:
        """Check all cases; return what went wrong."""
        with ThreadPoolExecutor(self._size) as pool:
            return [failure for failure in pool.map(lambda case: self._failure(case, check), cases) if failure]

    def _failure[T](self, case: T, check: Callable[[Harness, T], None]) -> str | None:
        harness = self._free.get()
        try:
            check(harness, case)
        except Exception:  # noqa: BLE001  all are told of together
            return f"{case}\n{traceback.format_exc()}"
        finally:
            self._free.put(harness)
        return None


def check_lasting(harness: Harness, case: Case, healthy: Healthy) -> None:
    """A request whose call fails is a 503 in time and harms nothing; sent again in good times, it succeeds.

    Calls that only record use, or end what the agent's fence has ended already, may fail: the response stands.
    """
    request = harness.begin(SCENARIOS[case.scenario], again=not healthy.writes)
    troubled = harness.send(request, case.plan)
    calls = healthy.outcome.calls
    wrote = any(call.writes for call in (calls[: case.number] if not case.fault.applies else calls))
    left = harness.state() if wrote else healthy.before

    assert troubled.seconds < ANSWER_SECONDS, troubled.seconds
    check_whole(left, healthy)
    if healthy.stands(case.number):
        check_standing(troubled, case, healthy)
        check_settled(left, healthy, unrecorded=True)
        return

    check_unavailable(troubled, touch_failures=case.call.is_use_of_the_agent)
    again = harness.send(request)
    check_response(again.answer, left, harness, healthy)
    if healthy.writes:
        after = harness.state()
        check_whole(after, healthy)
        # A session whose writing was reported as failed is nobody's: it ends unused, or with an exclusive sign-in.
        orphans = len(left.sessions) - len(healthy.before.sessions) if case.scenario.startswith("sign_in") else 0
        # An ended session cannot show its last use to the next request.
        unrecorded = case.fault.applies and case.call.operation in ("DeleteItem", "BatchWriteItem")
        check_settled(after, healthy, unrecorded=unrecorded, orphans=orphans)


def check_passing(harness: Harness, case: Case, healthy: Healthy) -> None:
    """A fault of one attempt is not noticed."""
    request = harness.begin(SCENARIOS[case.scenario], again=not healthy.writes)
    outcome = harness.send(request, case.plan, timed=False)

    check_response(outcome.answer, healthy.before, harness, healthy)
    # The second attempt finds that the session had already ended, which counts nothing and records no use.
    ended_before = case.fault.applies and case.call.ends_one_session
    assert outcome.counted == (Counter() if ended_before else healthy.outcome.counted)
    if healthy.writes:
        after = harness.state()
        check_whole(after, healthy)
        # The second attempt finds that this sign-in had claimed the sweep, which looks like another's claim.
        check_settled(after, healthy, unrecorded=ended_before)


def check_mixture(harness: Harness, scenario: str, plan: Plan, healthy: Healthy) -> None:
    """However many calls are slow or fail, a response comes in time, and nothing is harmed."""
    request = harness.begin(SCENARIOS[scenario], again=not healthy.writes)
    outcome = harness.send(request, plan)
    left = harness.state() if healthy.writes else healthy.before

    assert outcome.seconds < ANSWER_SECONDS, outcome.seconds
    check_whole(left, healthy)
    if outcome.answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        check_unavailable(outcome, touch_failures=True)
        check_response(harness.send(request).answer, left, harness, healthy)
    elif "TouchFailures" in outcome.counted:
        assert outcome.answer.status in (healthy.outcome.answer.status, HTTPStatus.OK)
    elif is_partial(outcome.answer):
        check_partial(outcome.answer, healthy)
    else:
        check_response(outcome.answer, healthy.before, harness, healthy)


def check_unavailable(outcome: Outcome, *, touch_failures: bool = False) -> None:
    answer = outcome.answer
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE, answer
    assert answer.headers["Retry-After"] == "1"
    assert answer.body["error"] == "DatabaseError"
    counted = Counter(outcome.counted)
    if touch_failures:
        del counted["TouchFailures"]
    assert counted == {"DatabaseErrors": 1}


def check_standing(outcome: Outcome, case: Case, healthy: Healthy) -> None:
    """A response stands although something on the side failed, and that is counted."""
    body, counted = masked(healthy.outcome.answer), Counter(healthy.outcome.counted)
    failed = {
        metric
        for number in range(case.number, len(healthy.outcome.calls))
        if (metric := healthy.failure_metric(number))
    }
    if healthy.heals and "TouchFailures" in failed:
        # The agent could not be asked, so the session is used for another interval.
        assert outcome.answer.status == HTTPStatus.OK
        assert outcome.counted == {"Validations": 1, "TouchFailures": 2}
        return
    assert outcome.answer.status == healthy.outcome.answer.status
    if any(call.is_touch for call in healthy.outcome.calls[case.number :]):
        # The session is shown as it was read.
        (session,) = healthy.before.sessions
        body |= {name: timestamp(int(session[name]["N"])) for name in ("last_active", "expires_at")}
        del counted["Touches"]
    assert masked(outcome.answer) == body
    metric = healthy.failure_metric(case.number)
    assert metric
    assert metric in outcome.counted
    assert Counter({name: count for name, count in outcome.counted.items() if name not in failed}) == counted


def check_response(answer: ApiResponse, before: State, harness: Harness, healthy: Healthy) -> None:
    """The response is that of an untroubled run, and what it says of earlier state is true of ``before``."""
    if healthy.outcome.answer.status == HTTPStatus.NO_CONTENT and healthy.before.agents and not before.agents:
        # The agent was deleted, although the caller saw a failure.
        assert answer.status == HTTPStatus.NOT_FOUND
        return
    body, truth = (
        masked(healthy.outcome.answer),
        {"reused": bool(before.agents), "ended": before.live(harness.now.time)},
    )
    assert answer.status == healthy.outcome.answer.status, answer
    assert answer.headers == healthy.outcome.answer.headers
    assert masked(answer) == body | {name: value for name, value in truth.items() if name in body}


def is_partial(answer: ApiResponse) -> bool:
    """Whether time ran out: a page that is not the last, or a count that is a lower bound."""
    body = json.loads(answer.text or "{}")
    return answer.status == HTTPStatus.OK and (
        bool(body.get("next")) or any("active_sessions_capped" in each for each in (body, *body.get("agents", ())))
    )


def check_partial(answer: ApiResponse, healthy: Healthy) -> None:
    """A short page is the beginning of the whole one; a lower bound is not above the number."""
    body, whole = masked(answer), masked(healthy.outcome.answer)
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
    """No agent is lost or duplicated, and every item has all attributes that it ever has."""
    counts = [len(run.agents) for run in (healthy.before, healthy.after)]
    assert min(counts) <= len(state.agents) <= max(counts)
    for name in ("agents", "sessions"):
        good = {_attributes(each) for run in (healthy.before, healthy.after) for each in getattr(run, name)}
        assert {_attributes(each) for each in getattr(state, name)} <= good, name


def _attributes(item: Item) -> frozenset[str]:
    """Return the names of an item's attributes; a deletion blocks its agent first."""
    return frozenset(item) - {"blocked"}


def check_settled(state: State, healthy: Healthy, *, unrecorded: bool = False, orphans: int = 0) -> None:
    """The tables have what an untroubled run leaves; if ``unrecorded``, with or without the last use."""
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


def masked(answer: ApiResponse) -> dict[str, Any]:
    """Return a body without what is random in it; empty where there is none."""
    return _masked(json.loads(answer.text or "{}"))  # type: ignore[no-any-return]


def _masked(node: Any) -> Any:
    if isinstance(node, list):
        return [_masked(each) for each in node]
    if isinstance(node, dict):
        return {key: key if key in RANDOM and value else _masked(value) for key, value in node.items()}
    return node


def _settled(item: Item) -> Item:
    """Return an item without what is random in it, and without counts of sign-ins, which count attempts."""
    varying = ("agent_id", "session_id", "owner", "incarnation", "sign_ins", "sign_in_number", "swept_at")
    settled = {name: value for name, value in item.items() if name not in varying}
    if "ended_through" in item:
        settled["ended_through"] = int(item["ended_through"]["N"]) >= int(item["sign_ins"]["N"])
    return settled


def _line(item: Item) -> str:
    return json.dumps(_settled(item), sort_keys=True)
