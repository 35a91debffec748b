"""What a fleet of agents asks of the service in a month, and how a deployment is set up."""

from collections.abc import Mapping
from dataclasses import dataclass

HOURS_A_MONTH = 730
SECONDS_A_MONTH = HOURS_A_MONTH * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A fleet of agents, all alike, in a month of 30 days.

    Args:
        agents: How many.
        active_hours: Hours a day in which an agent works.
        validations_an_hour: Validations in each such hour, evenly.
        sign_ins_a_day: Sessions that an agent begins.
        signed_out: The share of sessions that are signed out; the others expire.
        lookups_a_day: How often the owner looks an agent up.
        cold_starts: The share of requests that start a function.
        expired_days: How long an expired session stays in the table.
    """

    agents: int
    active_hours: float = 8
    validations_an_hour: float = 120
    sign_ins_a_day: float = 1
    signed_out: float = 0.5
    lookups_a_day: float = 1
    cold_starts: float = 0.001
    expired_days: float = 2

    @property
    def active_agent_hours(self) -> float:
        """Hours of work in the month, of all agents together."""
        return self.agents * self.active_hours * 30

    @property
    def sessions_held(self) -> float:
        """Sessions in the table at a time: those that live, and those that expired and are not yet deleted."""
        begun_a_day = self.agents * self.sign_ins_a_day
        return begun_a_day * (self.active_hours / 24 + (1 - self.signed_out) * self.expired_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The parameters of template.yaml that change the bill, by default as they are there."""

    touch_interval: int = 60
    last_seen_interval: int = 300
    session_cache: int = 0
    report_minutes: int = 5
    memory: int = 512
    architecture: str = "arm64"
    log_level: str = "INFO"
    log_days: int = 30


def requests(workload: Workload, deployment: Deployment) -> Mapping[str, float]:
    """Return the requests of a month, by the operation that answers them."""
    hours = workload.active_agent_hours
    validations = hours * workload.validations_an_hour
    touches = min(validations, hours * 3600 / deployment.touch_interval)
    seen = min(touches, hours * 3600 / deployment.last_seen_interval)
    # At best: where all validations of an agent meet the same container.
    read = validations
    if deployment.session_cache:
        read = max(touches, min(validations, hours * 3600 / deployment.session_cache))
    sign_ins = workload.agents * workload.sign_ins_a_day * 30
    return {
        "validate from memory": validations - read,
        "validate": read - touches,
        "validate and touch": touches - seen,
        "validate, touch, last seen": seen,
        "sign in, known agent": sign_ins,
        "sign out": sign_ins * workload.signed_out,
        "show an agent": workload.agents * workload.lookups_a_day * 30,
    }
