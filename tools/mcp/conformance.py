"""The scenarios of the official conformance suite: which apply to this server, and why the others do not."""

import re

NO_FIXTURE = "needs a tool that only a server made for the suite has"
NO_RESOURCES = "the server has no resources"
NO_PROMPTS = "the server has no prompts"

SCENARIOS: dict[str, dict[str, str]] = {
    "server-initialize": {},
    "ping": {},
    "tools-list": {},
    "server-session-lifecycle": {},
    "dns-rebinding-protection": {},
    "http-header-validation": {},
    "sep-2164-resource-not-found": {},
    "input-required-result-unsupported-methods": {},
    "server-stateless": {
        "sep-2575-server-rejects-undeclared-capability": NO_FIXTURE,
        "sep-2575-missing-capability-http-400": NO_FIXTURE,
        "sep-2575-http-server-no-independent-requests-on-stream": NO_FIXTURE,
        "sep-2575-server-no-log-without-loglevel": NO_FIXTURE,
    },
    "caching": {
        "sep-2549-prompts-list-caching-hints": NO_PROMPTS,
        "sep-2549-resources-list-caching-hints": NO_RESOURCES,
        "sep-2549-resources-templates-list-caching-hints": NO_RESOURCES,
    },
}
"""The applicable scenarios, each with the checks in it that cannot pass, and the reason."""

INAPPLICABLE: dict[str, str] = {
    "tools-call-": NO_FIXTURE,
    "json-schema-2020-12": NO_FIXTURE,
    "http-custom-header-server-validation": "no tool has `x-mcp-header`: no argument routes a request",
    "logging-set-level": "the server sends no log messages",
    "completion-complete": "the server completes no arguments",
    "elicitation-": NO_FIXTURE,
    "input-required-result-": "no tool asks the client for input",
    "resources-": NO_RESOURCES,
    "prompts-": NO_PROMPTS,
    "server-sse-": "every response is one JSON object, so there are no streams",
    "sep-2640-": "the extension Skills is not offered",
    "tasks-": "the extension Tasks is not offered: no tool takes long",
}
"""All other scenarios, by the beginnings of their names."""


def unknown_scenarios(listed: str) -> list[str]:
    """Return the scenarios in the suite's own list that are in neither table; an empty list is itself unknown."""
    names = re.findall(r"^  - (\S+)", listed, re.MULTILINE)
    return [each for each in names or [""] if each not in SCENARIOS and not each.startswith(tuple(INAPPLICABLE))]
