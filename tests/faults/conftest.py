"""The functions on the engine, with tables that the tests of a module share: each case has its own owner."""

import time
from collections.abc import Iterator
from types import SimpleNamespace

import botocore.endpoint
import botocore.session
import pytest
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff

from agent_sessions import clock
from agent_sessions.dynamodb import batches, direct_transport
from tests.faults.harness import Harness, NewHarness, ThreadClock, Time, TrueTime, VirtualTime
from tests.faults.scenarios import MAX_SESSIONS
from tests.support.database import Database, NewClient, drop, new_database
from tests.support.functions import load_function_module
from tests.support.length import by_length
from tests.support.observed_transport import observe
from tests.support.proxy import Proxy
from tools.cloudformation import function_environment
from tools.dynamodb.local_engine import Engine


def limit_retries(budget: int, patch: pytest.MonkeyPatch) -> None:
    """Give transports that are made from now on this budget of retries."""
    patch.setattr(RetryQuota.__init__, "__defaults__", (budget, None))
    patch.setattr(direct_transport, "BUDGET", budget)


@pytest.fixture(scope="module")
def module_patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def shared_database(new_engine_client: NewClient) -> Iterator[Database]:
    database = new_database(new_engine_client)
    yield database
    drop(database)


@pytest.fixture(scope="module")
def thread_clock(module_patch: pytest.MonkeyPatch) -> ThreadClock:
    """Stops the clock of the service, per thread."""
    thread_clock = ThreadClock()
    module_patch.setattr(clock, "now", thread_clock)
    return thread_clock


@pytest.fixture(scope="module")
def virtual_time(module_patch: pytest.MonkeyPatch) -> VirtualTime:
    """Lets pauses pass in virtual time, per thread, and makes each as long as it can be."""
    virtual_time = VirtualTime()
    module_patch.setattr(clock, "monotonic", virtual_time)
    for module in (botocore.endpoint, batches, direct_transport):
        module_patch.setattr(module, "time", SimpleNamespace(**vars(time) | {"sleep": virtual_time.sleep}))
    module_patch.setattr(direct_transport, "random", SimpleNamespace(random=lambda: 1.0))
    module_patch.setattr(ExponentialBackoff.__init__, "__defaults__", (20, lambda: 1.0, None, None))
    return virtual_time


@pytest.fixture(scope="module")
def true_time(module_patch: pytest.MonkeyPatch) -> TrueTime:
    true_time = TrueTime()
    module_patch.setattr(clock, "monotonic", true_time)
    return true_time


@pytest.fixture(scope="module")
def environment(
    shared_database: Database,
    engine: Engine,
    client_session: botocore.session.Session,
    module_patch: pytest.MonkeyPatch,
) -> None:
    """The environment variables that template.yaml gives the functions, for the engine."""
    variables = function_environment() | {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL_DYNAMODB": engine.url,
        "AGENTS_TABLE": shared_database.settings.agents_table,
        "SESSIONS_TABLE": shared_database.settings.sessions_table,
        # Low, so that a scenario with a few sessions sweeps.
        "MAX_SESSIONS_PER_AGENT": str(MAX_SESSIONS),
    }
    for name, value in variables.items():
        module_patch.setenv(name, value)
    module_patch.setattr(botocore.session, "get_session", lambda: client_session)
    # botocore stops retrying in a process with some fifty failures; here each case is the first.
    limit_retries(10**9, module_patch)


@pytest.fixture(scope="module", params=by_length(["direct"], ["botocore", "direct"]))
def transport(environment: None, request: pytest.FixtureRequest, module_patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start functions with this transport, in plain circumstances."""
    module_patch.setenv("TRANSPORT", request.param)
    module_patch.setenv("AWS_LAMBDA_FUNCTION_NAME", "function")
    made = observe(module_patch)
    yield
    for each in made:
        each.forget()


@pytest.fixture(scope="module")
def new_harness(
    transport: None, shared_database: Database, thread_clock: ThreadClock, module_patch: pytest.MonkeyPatch
) -> NewHarness:
    """Starts a container of each function of the API, which reaches the engine directly or through a proxy."""

    def new_harness(time: Time, proxy: Proxy | None = None) -> Harness:
        if proxy is not None:
            module_patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
        functions = {name: load_function_module(name) for name in ("sessions", "agents")}
        return Harness(shared_database, functions, now=thread_clock, time=time, proxy=proxy)

    return new_harness
