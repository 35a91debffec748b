"""Every fault of DynamoDB and of everything before it, at every call of every route.

Time is virtual, and pauses are as long as they can be, so the limit of five seconds is exact.
"""

from collections.abc import Sequence

import pytest

from tests.faults.conftest import limit_retries
from tests.faults.harness import NewHarness, VirtualTime
from tests.faults.injected import ALSO_INJECTED, INJECTED, MIXTURES, THROTTLING, Injected
from tests.faults.matrix import Harnesses, Healthy, cases, check_lasting, check_mixture, check_passing, share
from tests.faults.scenarios import SCENARIOS
from tests.guards.permissions import ALLOWED
from tests.support.contract import DOCUMENT

AT_ONCE = 4
SOME_SCENARIOS = ("sign_in_of_a_new_agent", "validate_that_touches_and_updates_the_agent")


@pytest.fixture(scope="module")
def harnesses(virtual_time: VirtualTime, new_harness: NewHarness) -> Harnesses:
    return Harnesses([new_harness(virtual_time) for _ in range(AT_ONCE)])


@pytest.fixture(scope="module")
def healthy(virtual_time: VirtualTime, new_harness: NewHarness) -> dict[str, Healthy]:
    return Healthy.of_all(new_harness(virtual_time))


def test_matrix_has_every_route_and_every_permitted_call(healthy: dict[str, Healthy]) -> None:
    routes = {f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods}
    permitted = {each.action for function in ("sessions", "agents") for each in ALLOWED[function]}

    assert {route for run in healthy.values() for route in run.outcome.routes} == routes
    assert {f"dynamodb:{call.operation}" for run in healthy.values() for call in run.outcome.calls} == {
        action for action in permitted if action.startswith("dynamodb:")
    }


def scenarios_of(fault: Injected) -> Sequence[str]:
    return share(list(SCENARIOS), INJECTED.index(fault)) if fault in INJECTED else SOME_SCENARIOS


@pytest.mark.parametrize("fault", [*INJECTED, *ALSO_INJECTED], ids=str)
def test_lasting_fault_returns_503_in_five_seconds_and_harms_nothing(
    harnesses: Harnesses, healthy: dict[str, Healthy], fault: Injected
) -> None:
    scenarios = scenarios_of(fault)
    struck = [case for case in cases(healthy, scenarios, fault, lasting=True) if fault.suits(case.call)]

    failures = harnesses.failures(struck, lambda harness, case: check_lasting(harness, case, healthy[case.scenario]))

    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("fault", [fault for fault in (*INJECTED, *ALSO_INJECTED) if not fault.final], ids=str)
def test_fault_of_one_attempt_is_retried_unnoticed(
    harnesses: Harnesses, healthy: dict[str, Healthy], fault: Injected
) -> None:
    scenarios = scenarios_of(fault)
    struck = [case for case in cases(healthy, scenarios, fault, lasting=False) if fault.suits(case.call)]

    failures = harnesses.failures(struck, lambda harness, case: check_passing(harness, case, healthy[case.scenario]))

    assert not failures, "\n".join(failures)


def test_exhausted_retry_quota_returns_503(
    virtual_time: VirtualTime,
    new_harness: NewHarness,
    healthy: dict[str, Healthy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limit_retries(0, monkeypatch)
    harnesses = Harnesses([new_harness(virtual_time)])

    failures = harnesses.failures(
        cases(healthy, share(list(SCENARIOS), 0), THROTTLING, lasting=True),
        lambda harness, case: check_lasting(harness, case, healthy[case.scenario]),
    )

    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_slow_and_failing_calls_get_a_response_in_five_seconds(
    harnesses: Harnesses, healthy: dict[str, Healthy], scenario: str
) -> None:
    failures = harnesses.failures(
        share(MIXTURES, list(SCENARIOS).index(scenario)),
        lambda harness, mixture: check_mixture(harness, scenario, mixture.plan, healthy[scenario]),
    )

    assert not failures, "\n".join(failures)
