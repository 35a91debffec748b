"""Every fault at every call of every scenario, and what must come of it."""

import json
import queue
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from agent_sessions.http.response_models import timestamp
from tests.faults.harness import Call, Fault, Harness, Item, Outcome, Plan, State
from tests.faults.scenarios import SCENARIOS
from tests.support.contract import ApiResponse

ANSWER_SECONDS = 5
RANDOM = ("session_id", "agent_id", "session_token", "next")


@dataclass(frozen=True, slots=True)
class Healthy:
    """An untroubled run of a scenario."""

    before: State
    outcome: Outcome
    after: State

    @property
    def writes(self) -> bool:
        return any(call.writes for call in self.outcome.calls)

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
    """A request whose call fails is a 503 in time and harms nothing; sent again in good times it is answered.

    What only records use may fail: the answer stands.
    """
    request = harness.begin(SCENARIOS[case.scenario], again=not healthy.writes)
    troubled = harness.send(request, case.plan)
    calls = healthy.outcome.calls
    wrote = any(call.writes for call in (calls[: case.number] if not case.fault.applies else calls))
    left = harness.state() if wrote else healthy.before

    assert troubled.seconds < ANSWER_SECONDS, troubled.seconds
    check_whole(left, healthy)
    if case.call.is_best_effort:
        check_standing(troubled, case, healthy)
        check_settled(left, healthy, unrecorded=True)
        return

    check_unavailable(troubled)
    again = harness.send(request)
    check_response(again.answer, left, harness, healthy)
    if healthy.writes:
        after = harness.state()
        check_whole(after, healthy)
        # A session whose writing was told as failed is nobody's: it ends unused, or with an exclusive sign-in.
        orphans = len(left.sessions) - len(healthy.before.sessions) if case.scenario.startswith("sign_in") else 0
        # What was ended by the request that failed is not there to tell its last use.
        unrecorded = case.fault.applies and case.call.operation in ("DeleteItem", "BatchWriteItem")
        check_settled(after, healthy, unrecorded=unrecorded, orphans=orphans)


def check_passing(harness: Harness, case: Case, healthy: Healthy) -> None:
    """A fault of one attempt is not noticed."""
    request = harness.begin(SCENARIOS[case.scenario], again=not healthy.writes)
    outcome = harness.send(request, case.plan, timed=False)

    check_response(outcome.answer, healthy.before, harness, healthy)
    # The second attempt finds that the session had already ended, which counts nothing and records no use.
    ended_before = case.fault.applies and case.call.operation == "DeleteItem"
    assert outcome.counted == (Counter() if ended_before else healthy.outcome.counted)
    if healthy.writes:
        after = harness.state()
        check_whole(after, healthy)
        check_settled(after, healthy, unrecorded=ended_before)


def check_mixture(harness: Harness, scenario: str, plan: Plan, healthy: Healthy) -> None:
    """However many calls are slow or fail, an answer comes in time, and harms nothing."""
    request = harness.begin(SCENARIOS[scenario], again=not healthy.writes)
    outcome = harness.send(request, plan)
    left = harness.state() if healthy.writes else healthy.before

    assert outcome.seconds < ANSWER_SECONDS, outcome.seconds
    check_whole(left, healthy)
    if outcome.answer.status == 503:
        check_unavailable(outcome)
        check_response(harness.send(request).answer, left, harness, healthy)
    elif "TouchFailures" in outcome.counted:
        assert outcome.answer.status == healthy.outcome.answer.status
    else:
        check_response(outcome.answer, healthy.before, harness, healthy)


def check_unavailable(outcome: Outcome) -> None:
    answer = outcome.answer
    assert answer.status == 503, answer
    assert answer.headers["Retry-After"] == "1"
    assert answer.body["error"] == "DatabaseError"
    assert outcome.counted == {"DatabaseErrors": 1}


def check_standing(outcome: Outcome, case: Case, healthy: Healthy) -> None:
    """A validation or an ending stands although its use could not be recorded, and that is counted."""
    assert outcome.answer.status == healthy.outcome.answer.status
    body, counted = masked(healthy.outcome.answer), Counter(healthy.outcome.counted)
    if case.call.is_touch:
        # The session is told as it was read.
        (session,) = healthy.before.sessions
        body |= {name: timestamp(int(session[name]["N"])) for name in ("last_active", "expires_at")}
        del counted["Touches"]
    assert masked(outcome.answer) == body
    assert outcome.counted == counted | {"TouchFailures": 1}


def check_response(answer: ApiResponse, before: State, harness: Harness, healthy: Healthy) -> None:
    """The answer is that of an untroubled run: what it tells of what was there is true of ``before``."""
    body, truth = (
        masked(healthy.outcome.answer),
        {"reused": bool(before.agents), "ended": before.live(harness.now.time)},
    )
    assert answer.status == healthy.outcome.answer.status, answer
    assert answer.headers == healthy.outcome.answer.headers
    assert masked(answer) == body | {name: value for name, value in truth.items() if name in body}


def check_whole(state: State, healthy: Healthy) -> None:
    """No agent is lost, none is there twice, and every item has all that it ever has."""
    assert len(healthy.before.agents) <= len(state.agents) <= len(healthy.after.agents)
    for name in ("agents", "sessions"):
        good = {frozenset(each) for run in (healthy.before, healthy.after) for each in getattr(run, name)}
        assert {frozenset(each) for each in getattr(state, name)} <= good, name


def check_settled(state: State, healthy: Healthy, *, unrecorded: bool = False, orphans: int = 0) -> None:
    """The tables hold what an untroubled run leaves; where ``unrecorded``, with or without the last use."""
    agents, due = ([_settled(each) for each in run.agents] for run in (state, healthy.after))
    if unrecorded:
        for now, then, last in zip(agents, map(_settled, healthy.before.agents), due, strict=True):
            assert now["last_active"] in (then["last_active"], last["last_active"])
            now["last_active"] = last["last_active"]
    assert agents == due

    kept, wanted = (Counter(map(_line, run.sessions)) for run in (state, healthy.after))
    if unrecorded and kept == Counter(map(_line, healthy.before.sessions)):
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
    varying = ("agent_id", "session_id", "owner", "first_session_id", "sign_ins", "sign_in_number")
    return {name: value for name, value in item.items() if name not in varying}


def _line(item: Item) -> str:
    return json.dumps(_settled(item), sort_keys=True)
