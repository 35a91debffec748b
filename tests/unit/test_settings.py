from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from agent_sessions.settings import VARIABLES, Settings, SettingsError

TABLES = {"AGENTS_TABLE": "agents", "SESSIONS_TABLE": "sessions"}
WHOLE_NUMBERS = [
    "IDLE_TIMEOUT_SECONDS",
    "LIFETIME_SECONDS",
    "TOUCH_INTERVAL_SECONDS",
    "LAST_SEEN_INTERVAL_SECONDS",
    "SESSION_CACHE_SECONDS",
    "REPORT_SEGMENTS",
]


def refusal(**variables: str) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(TABLES | variables)
    return str(caught.value)


def test_settings_require_only_two_tables() -> None:
    assert Settings.from_environment(TABLES) == Settings(
        agents_table="agents",
        sessions_table="sessions",
        api_auth="AWS_IAM",
        transport="direct",
        idle_timeout=1800,
        lifetime=43200,
        touch_interval=60,
        last_seen_interval=300,
        session_cache=0,
        report_segments=4,
        service_name="agent-sessions",
        metrics_namespace="AgentSessions",
    )


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("AGENTS_TABLE", "my-agents", "agents_table", "my-agents"),
        ("SESSIONS_TABLE", "my-sessions", "sessions_table", "my-sessions"),
        ("API_AUTH", "AWS_IAM", "api_auth", "AWS_IAM"),
        ("API_AUTH", "JWT", "api_auth", "JWT"),
        ("API_AUTH", "NONE", "api_auth", "NONE"),
        ("TRANSPORT", "direct", "transport", "direct"),
        ("TRANSPORT", "botocore", "transport", "botocore"),
        ("IDLE_TIMEOUT_SECONDS", "900", "idle_timeout", 900),
        ("LIFETIME_SECONDS", "7200", "lifetime", 7200),
        ("TOUCH_INTERVAL_SECONDS", "30", "touch_interval", 30),
        ("LAST_SEEN_INTERVAL_SECONDS", "600", "last_seen_interval", 600),
        ("SESSION_CACHE_SECONDS", "5", "session_cache", 5),
        ("REPORT_SEGMENTS", "8", "report_segments", 8),
        ("POWERTOOLS_LOG_LEVEL", "WARNING", "log_level", "WARNING"),
        ("POWERTOOLS_SERVICE_NAME", "my-service", "service_name", "my-service"),
        ("POWERTOOLS_METRICS_NAMESPACE", "MyNamespace", "metrics_namespace", "MyNamespace"),
    ],
)
def test_variable_sets_only_its_setting(variable: str, text: str, name: str, value: Any) -> None:
    changed = Settings.from_environment(TABLES | {variable: text})
    default = Settings.from_environment(TABLES)

    assert getattr(changed, name) == value
    assert type(getattr(changed, name)) is type(value)
    others = [field.name for field in fields(Settings) if field.name != name]
    assert [getattr(changed, other) for other in others] == [getattr(default, other) for other in others]


def test_every_setting_has_a_variable() -> None:
    assert set(VARIABLES) == {field.name for field in fields(Settings)}
    assert len(set(VARIABLES.values())) == len(VARIABLES)


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTS_TABLE", "from-the-process")
    monkeypatch.setenv("SESSIONS_TABLE", "sessions")

    assert Settings.from_environment().agents_table == "from-the-process"


@pytest.mark.parametrize("variable", ["AGENTS_TABLE", "SESSIONS_TABLE"])
@pytest.mark.parametrize("text", [None, "", "  "], ids=["unset", "empty", "blank"])
def test_missing_table_raises_error_that_names_it(variable: str, text: str | None) -> None:
    environ = {name: value for name, value in (TABLES | {variable: text}).items() if value is not None}

    with pytest.raises(SettingsError, match=rf"\A{variable} is not set; template.yaml sets it to the table's name\Z"):
        Settings.from_environment(environ)


@pytest.mark.parametrize("variable", sorted(set(VARIABLES.values()) - set(TABLES)))
@pytest.mark.parametrize("text", ["", "  "], ids=["empty", "blank"])
def test_blank_variable_takes_the_default(variable: str, text: str) -> None:
    assert Settings.from_environment(TABLES | {variable: text}) == Settings.from_environment(TABLES)


def test_values_are_trimmed() -> None:
    read = Settings.from_environment(
        {"AGENTS_TABLE": " agents\n", "SESSIONS_TABLE": "sessions", "REPORT_SEGMENTS": " 8 "}
    )

    assert (read.agents_table, read.report_segments) == ("agents", 8)


@pytest.mark.parametrize("variable", WHOLE_NUMBERS)
@pytest.mark.parametrize("text", ["soon", "1.5", "1e3", "60s", "0x10", "9" * 5000], ids=lambda text: text[:5])
def test_value_that_is_not_a_whole_number_raises(variable: str, text: str) -> None:
    assert refusal(**{variable: text}) == f"{variable} must be a whole number"


@pytest.mark.parametrize("text", ["aws_iam", "IAM", "OPEN", "false", "AWS_IAM,JWT"])
def test_unknown_api_auth_raises(text: str) -> None:
    assert refusal(API_AUTH=text) == "API_AUTH must be AWS_IAM, JWT or NONE"


@pytest.mark.parametrize("text", ["boto3", "Direct", "true"])
def test_unknown_transport_raises(text: str) -> None:
    assert refusal(TRANSPORT=text) == "TRANSPORT must be direct or botocore"


@pytest.mark.parametrize(
    ("variable", "name", "minimum"),
    [
        ("TOUCH_INTERVAL_SECONDS", "touch_interval", 1),
        ("SESSION_CACHE_SECONDS", "session_cache", 0),
        ("REPORT_SEGMENTS", "report_segments", 1),
    ],
)
def test_number_below_its_minimum_raises(variable: str, name: str, minimum: int) -> None:
    assert getattr(Settings.from_environment(TABLES | {variable: str(minimum)}), name) == minimum
    assert refusal(**{variable: str(minimum - 1)}) == f"{variable} must be at least {minimum}"
    assert refusal(**{variable: "-9"}) == f"{variable} must be at least {minimum}"


@pytest.mark.parametrize("variable", ["IDLE_TIMEOUT_SECONDS", "LIFETIME_SECONDS", "TOUCH_INTERVAL_SECONDS"])
@pytest.mark.parametrize("seconds", [1, 86400])
def test_times_are_independent_of_each_other(variable: str, seconds: int) -> None:
    Settings.from_environment(TABLES | {variable: str(seconds)})


def test_settings_are_immutable() -> None:
    settings = Settings.from_environment(TABLES)

    with pytest.raises(FrozenInstanceError):
        settings.lifetime = 1  # type: ignore[misc]


def test_settings_made_in_code_are_validated() -> None:
    with pytest.raises(SettingsError, match="LIFETIME_SECONDS must be at least 1"):
        Settings(agents_table="agents", sessions_table="sessions", lifetime=0)
