"""Every fault of the network, by a proxy in front of the engine, at every call of every route.

Time and timeouts are real, so many cases run at a time, and most of them wait.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest

from tests.faults.harness import NewHarness, Plan, TrueTime
from tests.faults.matrix import Harnesses, Healthy, cases, check_lasting, check_mixture, check_passing, share
from tests.faults.scenarios import SCENARIOS
from tests.support.proxy import Proxy, Toxic
from tools.dynamodb.local_engine import Engine

AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Network:
    """The behaviour of the proxy for an attempt; without a toxic it only delays the response."""

    toxic: Toxic | None
    delay: float = 0.0

    @property
    def applies(self) -> bool:
        return self.toxic is None or self.toxic.applies

    def strike(self, _: AWSPreparedRequest, proxy: Proxy | None) -> None:
        assert proxy
        proxy.toxic, proxy.delay = self.toxic, self.delay

    def __str__(self) -> str:
        return str(self.toxic)


NETWORK = [Network(toxic) for toxic in Toxic]
LATE = Network(None, delay=0.9)

MIXTURES: dict[str, Plan] = {
    "every response is late": lambda _, __: LATE,
    "every call is silent at first": lambda _, attempt: Network(Toxic.SILENCE) if attempt == 0 else None,
    "every call is silent at first, then late": lambda _, attempt: LATE if attempt else Network(Toxic.HOLD),
}


@pytest.fixture(scope="module")
def harnesses(engine: Engine, true_time: TrueTime, new_harness: NewHarness) -> Iterator[Harnesses]:
    address = urlsplit(engine.url)
    assert address.hostname
    assert address.port
    upstream = (address.hostname, address.port)
    with ExitStack() as proxies:
        yield Harnesses([new_harness(true_time, proxies.enter_context(Proxy(upstream))) for _ in range(AT_ONCE)])


@pytest.fixture(scope="module")
def healthy(true_time: TrueTime, new_harness: NewHarness) -> dict[str, Healthy]:
    return Healthy.of_all(new_harness(true_time))


@pytest.mark.parametrize("fault", NETWORK, ids=str)
def test_lasting_fault_returns_503_in_five_seconds_and_harms_nothing(
    harnesses: Harnesses, healthy: dict[str, Healthy], fault: Network
) -> None:
    struck = cases(healthy, share(list(SCENARIOS), NETWORK.index(fault)), fault, lasting=True)

    failures = harnesses.failures(struck, lambda harness, case: check_lasting(harness, case, healthy[case.scenario]))

    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("fault", NETWORK, ids=str)
def test_fault_of_one_attempt_is_retried_unnoticed(
    harnesses: Harnesses, healthy: dict[str, Healthy], fault: Network
) -> None:
    struck = cases(healthy, share(list(SCENARIOS), NETWORK.index(fault)), fault, lasting=False)

    failures = harnesses.failures(struck, lambda harness, case: check_passing(harness, case, healthy[case.scenario]))

    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("plan", MIXTURES)
def test_slow_and_failing_calls_get_a_response_in_five_seconds(
    harnesses: Harnesses, healthy: dict[str, Healthy], plan: str
) -> None:
    failures = harnesses.failures(
        share(list(SCENARIOS), list(MIXTURES).index(plan)),
        lambda harness, scenario: check_mixture(harness, scenario, MIXTURES[plan], healthy[scenario]),
    )

    assert not failures, "\n".join(failures)
