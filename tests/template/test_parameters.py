"""CloudFormation accepts exactly the whole numbers within the bounds of a parameter; the functions accept them too."""

import re
from dataclasses import fields
from datetime import date, timedelta

import pytest

from agent_sessions import settings
from agent_sessions.settings import Settings
from tools import ROOT
from tools.cloudformation import PARAMETERS, TEMPLATE, function_environment, whole_number_bounds

BOUNDS = {
    "IdleTimeoutSeconds": (60, 999_999_999),
    "LifetimeSeconds": (60, 999_999_999),
    "TouchIntervalSeconds": (1, 999_999_999),
    "LastSeenIntervalSeconds": (1, 900),
    "SessionCacheSeconds": (0, 900),
    "MaxSessionsPerAgent": (0, 500),
    "ReportMinutes": (2, 480),
    "ReportSegments": (1, 64),
    "ThrottleRate": (1, 999_999),
    "ThrottleBurst": (1, 999_999),
    "SignInThrottleRate": (1, 999_999),
    "SignInThrottleBurst": (1, 999_999),
    "MemoryMegabytes": (256, 10_240),
    "ReservedConcurrency": (0, 999_999),
}
TIME = "SessionsNotBefore"
OTHER_TEXT = {TIME, "TruststoreUri", "RestoredSuffix"}
# Settings of the functions, by the parameter that sets them.
VARIABLES = {
    value["Ref"]: variable
    for variable, value in TEMPLATE["Globals"]["Function"]["Environment"]["Variables"].items()
    if value in [{"Ref": parameter} for parameter in BOUNDS]
}
NOT_WHOLE_NUMBERS = (
    *("", " ", " 5", "5 ", "5\n", "-1", "+90", "090", "00"),
    *("90.5", "60.0", "1e3", "0x3c", "1_000", "1,000", "\u0663", "many"),
)


def accepts(parameter: str, value: str) -> bool:
    """Return whether CloudFormation accepts a value: the pattern must match all of it."""
    pattern = PARAMETERS[parameter].get("AllowedPattern")
    return pattern is not None and re.fullmatch(pattern, value) is not None


def test_every_number_is_a_string_with_a_pattern() -> None:
    assert {each["Type"] for each in PARAMETERS.values()} == {"String", "CommaDelimitedList"}
    numbers = {name for name, each in PARAMETERS.items() if each["Default"].isdecimal() and "AllowedValues" not in each}
    assert (
        numbers == set(BOUNDS) == {name for name, each in PARAMETERS.items() if "AllowedPattern" in each} - OTHER_TEXT
    )


@pytest.mark.parametrize("parameter", BOUNDS)
def test_constraint_describes_bounds(parameter: str) -> None:
    assert whole_number_bounds(parameter) == BOUNDS[parameter]


@pytest.mark.parametrize("parameter", BOUNDS)
def test_pattern_accepts_exactly_numbers_within_bounds(parameter: str) -> None:
    low, high = BOUNDS[parameter]
    powers = {10**digits + offset for digits in range(12) for offset in (-1, 0, 1)}
    numbers = {*range(11_000), *powers, low - 1, low, high, high + 1, 3_153_600_000, 10**30}

    wrong = [number for number in numbers if number >= 0 and accepts(parameter, str(number)) != (low <= number <= high)]

    assert wrong == []


@pytest.mark.parametrize("parameter", BOUNDS)
@pytest.mark.parametrize("value", NOT_WHOLE_NUMBERS, ids=ascii)
def test_pattern_refuses_what_is_not_a_whole_number(parameter: str, value: str) -> None:
    assert not accepts(parameter, value)


@pytest.mark.parametrize("parameter", BOUNDS)
def test_pattern_accepts_default(parameter: str) -> None:
    assert accepts(parameter, PARAMETERS[parameter]["Default"])


@pytest.mark.parametrize("parameter", VARIABLES)
@pytest.mark.parametrize("end", [0, 1], ids=["smallest", "largest"])
def test_functions_accept_bounds(parameter: str, end: int) -> None:
    Settings.from_environment(function_environment() | {VARIABLES[parameter]: str(BOUNDS[parameter][end])})


def test_every_number_of_the_settings_has_a_parameter() -> None:
    assert set(VARIABLES.values()) == {
        settings.VARIABLES[each.name] for each in fields(Settings) if each.type is int
    } - {"SESSIONS_NOT_BEFORE"}


def test_template_accepts_values_in_cost_document() -> None:
    examples = re.findall(r"^\| `(\w+)=(\w+)` \|", (ROOT / "docs/costs.md").read_text(), re.MULTILINE)

    assert len(examples) > 9
    for parameter, value in examples:
        assert value in PARAMETERS[parameter].get("AllowedValues", []) or accepts(parameter, value), parameter


@pytest.mark.parametrize("value", ["", "2026-11-27T12:00:00Z", "2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z"])
def test_time_that_the_template_accepts_is_read_by_the_functions(value: str) -> None:
    assert accepts(TIME, value)
    Settings.from_environment(function_environment() | {"SESSIONS_NOT_BEFORE": value})


def test_template_accepts_exactly_the_days_that_exist() -> None:
    days = {f"20{year:02}-{month:02}-{day:02}" for year in range(100) for month in range(14) for day in range(33)}
    first = date(2000, 1, 1)
    existing = {(first + timedelta(days=day)).isoformat() for day in range((date(2100, 1, 1) - first).days)}

    assert existing < days
    assert {day for day in days if accepts(TIME, f"{day}T12:00:00Z")} == existing


@pytest.mark.parametrize(
    "value",
    [
        *("now", "2026-11-27", "2026-11-27T24:00:00Z", "2026-11-27T12:00:00+01:00", "2026-11-27T12:00:00", " "),
        *("2016-12-31T23:59:60Z", "2026-11-27T12:00:00.5Z", "1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z"),
    ],
)
def test_other_times_are_refused(value: str) -> None:
    assert not accepts(TIME, value)
