"""The settings of a deployment; the only module that reads the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from typing import Any, Literal, Self

VARIABLES = {
    "agents_table": "AGENTS_TABLE",
    "sessions_table": "SESSIONS_TABLE",
    "api_auth": "API_AUTH",
    "transport": "TRANSPORT",
    "idle_timeout": "IDLE_TIMEOUT_SECONDS",
    "lifetime": "LIFETIME_SECONDS",
    "touch_interval": "TOUCH_INTERVAL_SECONDS",
    "last_seen_interval": "LAST_SEEN_INTERVAL_SECONDS",
    "session_cache": "SESSION_CACHE_SECONDS",
    "report_segments": "REPORT_SEGMENTS",
    "max_sessions_per_agent": "MAX_SESSIONS_PER_AGENT",
    "sessions_not_before": "SESSIONS_NOT_BEFORE",
    "lifecycle_events": "LIFECYCLE_EVENTS",
    "dead_letter_queue": "DEAD_LETTER_QUEUE_URL",
    "cors_origins": "CORS_ORIGINS",
    "jwt_issuer": "JWT_ISSUER",
    "jwt_scopes": "JWT_SCOPES",
    "log_level": "POWERTOOLS_LOG_LEVEL",
    "service_name": "POWERTOOLS_SERVICE_NAME",
    "metrics_namespace": "POWERTOOLS_METRICS_NAMESPACE",
}

MINIMUMS = {
    "idle_timeout": 1,
    "lifetime": 1,
    "touch_interval": 1,
    "last_seen_interval": 1,
    "session_cache": 0,
    "report_segments": 1,
    "max_sessions_per_agent": 0,
}


class SettingsError(Exception):
    """An environment variable is missing or invalid; the message names it and describes a valid value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration of a deployment. Times are whole seconds.

    Args:
        agents_table: Name of the agents table.
        sessions_table: Name of the sessions table.
        api_auth: How the gateway verifies callers: ``AWS_IAM``, ``JWT`` or ``NONE``.
        transport: How functions on Lambda call DynamoDB: ``direct`` in plain circumstances, or always ``botocore``.
        idle_timeout: A session ends if it is unused for this long.
        lifetime: A session ends this long after sign-in, even if it is in use.
        touch_interval: A session is touched at most once in this time.
        last_seen_interval: A touch also updates the agent at most once in this time.
        session_cache: How long a validated session is returned from memory; 0 turns the cache off.
        max_sessions_per_agent: Live sessions that an agent may have; 0 is unlimited.
        sessions_not_before: Sessions created earlier (epoch seconds) are dead; the variable is an RFC 3339 time.
        cors_origins: Origins of web pages that may call the MCP endpoint; the variable separates them by commas.
        jwt_issuer: Issuer of the tokens that the gateway accepts with ``JWT``, for clients that look for it.
        jwt_scopes: Scopes of which such a token needs one.
        report_segments: Number of segments of the sessions table that the report scans in parallel.
        lifecycle_events: Whether the tables have streams, and the report deletes expired sessions.
        dead_letter_queue: URL of the queue of lifecycle events that could not be put.
        log_level: Minimum level of log lines: ``DEBUG``, ``INFO``, ``WARNING`` or ``ERROR``.
        service_name: Name of the deployment in logs and metrics.
        metrics_namespace: CloudWatch namespace of the metrics.

    Raises:
        SettingsError: a value is out of range.
    """

    agents_table: str
    sessions_table: str
    api_auth: Literal["AWS_IAM", "JWT", "NONE"] = "AWS_IAM"
    transport: Literal["direct", "botocore"] = "direct"
    idle_timeout: int = 1800
    lifetime: int = 43200
    touch_interval: int = 60
    last_seen_interval: int = 300
    session_cache: int = 0
    cors_origins: tuple[str, ...] = ()
    jwt_issuer: str = ""
    jwt_scopes: tuple[str, ...] = ()
    report_segments: int = 4
    max_sessions_per_agent: int = 100
    sessions_not_before: int = 0
    lifecycle_events: bool = False
    dead_letter_queue: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    service_name: str = "agent-sessions"
    metrics_namespace: str = "AgentSessions"

    def __post_init__(self) -> None:
        if self.api_auth not in ("AWS_IAM", "JWT", "NONE"):
            raise SettingsError(f"{VARIABLES['api_auth']} must be AWS_IAM, JWT or NONE")
        if self.transport not in ("direct", "botocore"):
            raise SettingsError(f"{VARIABLES['transport']} must be direct or botocore")
        if self.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise SettingsError(f"{VARIABLES['log_level']} must be DEBUG, INFO, WARNING or ERROR")
        # No order between the times is required: a session ends with the first of them.
        for name, minimum in MINIMUMS.items():
            if getattr(self, name) < minimum:
                raise SettingsError(f"{VARIABLES[name]} must be at least {minimum}")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read and validate all settings; an unset or blank variable takes its default, if it has one.

        Raises:
            SettingsError: a variable is missing or invalid.
        """
        values: dict[str, Any] = {}
        for field in fields(cls):
            variable = VARIABLES[field.name]
            text = environ.get(variable, "").strip()
            if text:
                values[field.name] = _parsed(field.name, field.type, variable, text)
            elif field.default is MISSING:
                raise SettingsError(f"{variable} is not set; template.yaml sets it to the table's name")
        return cls(**values)


def aws_variables() -> Mapping[str, str]:
    """Return the environment, for the variables that AWS documents for its SDKs; Lambda may change it later."""
    return os.environ


def _parsed(name: str, kind: Any, variable: str, text: str) -> int | str | bool | tuple[str, ...]:
    if name == "sessions_not_before":
        return _time(variable, text)
    if kind is bool:
        return _truth(variable, text)
    if kind == tuple[str, ...]:
        return tuple(each.strip() for each in text.split(",") if each.strip())
    return _whole_number(variable, text) if kind is int else text


def _truth(variable: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise SettingsError(f"{variable} must be true or false")
    return text == "true"


def _time(variable: str, text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise SettingsError(f"{variable} must be a time such as 2026-11-27T12:00:00Z")
    return int(time.timestamp())


def _whole_number(variable: str, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise SettingsError(f"{variable} must be a whole number")
    return int(text)
