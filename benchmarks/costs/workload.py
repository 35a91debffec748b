"""The requests of a fleet of agents in a month, and the parameters of template.yaml that change the bill."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from agent_sessions.http.caller import PUBLIC
from benchmarks import Results
from tools.cloudformation import PARAMETERS

HOURS_A_MONTH = 730
SECONDS_A_MONTH = HOURS_A_MONTH * 3600
DAYS_A_MONTH = 30

type Parameters = Mapping[str, Any]
DEFAULTS: Parameters = {name: each["Default"] for name, each in PARAMETERS.items() if "Default" in each}


class Workload(NamedTuple):
    """A fleet of identical agents in a month of 30 days."""

    agents: int
    active_hours: float = 8  # a day, of each agent
    validations_an_hour: float = 120  # in the active hours, evenly spaced
    sign_ins_a_day: float = 1
    signed_out: float = 0.5  # share of the sessions; the others expire
    lookups_a_day: float = 1  # of an agent, by its owner
    cold_starts: float = 0.001  # share of the requests
    expired_days: float = 2  # until DynamoDB deletes an expired session
    owner: str = PUBLIC  # which log lines and responses repeat

    @property
    def sessions_started(self) -> float:
        """Sessions that start, and so end, in a month."""
        return self.agents * self.sign_ins_a_day * DAYS_A_MONTH

    @property
    def stored_sessions(self) -> float:
        """Sessions in the table at any time: live ones, and expired ones that are not yet deleted."""
        started_a_day = self.agents * self.sign_ins_a_day
        return started_a_day * (self.active_hours / 24 + (1 - self.signed_out) * self.expired_days)


def counts(workload: Workload, parameters: Parameters) -> dict[str, float]:
    """Return the number of requests in a month, by operation."""
    hours = workload.agents * workload.active_hours * DAYS_A_MONTH
    validations = hours * workload.validations_an_hour
    touches = min(validations, hours * 3600 / int(parameters["TouchIntervalSeconds"]))
    agent_updates = min(touches, hours * 3600 / int(parameters["LastSeenIntervalSeconds"]))
    reads, cache = validations, int(parameters["SessionCacheSeconds"])
    if cache:  # the best case: the same container serves every validation of an agent
        reads = max(touches, min(validations, hours * 3600 / cache))
    sign_ins = workload.sessions_started
    return {
        "validate from cache": validations - reads,
        "validate": reads - touches,
        "validate and touch": touches - agent_updates,
        "validate, touch, update agent": agent_updates,
        "sign in, known agent": sign_ins,
        "sign out": sign_ins * workload.signed_out,
        "get an agent": workload.agents * workload.lookups_a_day * DAYS_A_MONTH,
    }


def consumed(amount: str, workload: Workload, parameters: Parameters, results: Results) -> float:
    """Return how many units, bytes or lines, such as ``read_units``, the requests of a month take."""
    operations, requests = results["warm"]["operations"], counts(workload, parameters)
    return float(sum(count * operations[name][amount] for name, count in requests.items()))
