"""The table of routes, and that adding a route touches nothing but what CONTRIBUTING.md lists.

These are the table, the template, the function of the route, and tests; the rest derives from the table.
"""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tools import ROOT
from tools.openapi.__main__ import derived, stale
from tools.openapi.document import document
from tools.openapi.events import event_of
from tools.openapi.readme import BEGIN, table, with_routes
from tools.openapi.route import Route
from tools.openapi.routes import ALL_ROUTES, BY_NAME, ROUTES

TABLE = "tools/openapi/routes.py"
PROSE = (".md",)
# Their tests send made-up requests of these names through the guards.
PLANTED = "tests/guards/planted_leaks.py"
NEED_NOT_KNOW = (
    "clients/python/",
    "tools/clients/drivers/",
    "docs/performance/",
    "stacks/monitoring.yaml",
)
NEW = replace(
    BY_NAME["get_agent"],
    method="PUT",
    path="/agents/{agent_id}/avatar",
    operation_id="replaceAvatar",
    summary="Replace the avatar",
)


def tracked_texts() -> dict[str, str]:
    """Return the text of every file that may name a route by hand."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    written = {str(path.relative_to(ROOT)) for path in derived()}
    texts = {}
    for name in set(listed.stdout.splitlines()) - written:
        path = ROOT / name
        if path.suffix not in PROSE and path.is_file():
            texts[name] = path.read_text(errors="replace")
    return texts


def may_name(route: Route, file: str) -> bool:
    """Whether a file is among those that adding this route touches."""
    path = Path(file)
    is_test = path.parts[0] == "tests" and path.name.startswith("test_")
    # They need not know of another route: the client packages, the clients' walks, plots, an alarm on sign-ins.
    if file.startswith(NEED_NOT_KNOW):
        return True
    return is_test or file in (TABLE, "template.yaml", f"functions/{route.function}/app.py", PLANTED)


def test_route_is_named_only_in_files_that_adding_it_touches() -> None:
    texts = tracked_texts()
    assert all(route.path in texts[TABLE] for route in ALL_ROUTES)

    elsewhere = [
        f"{file} names {name}"
        for route in ALL_ROUTES
        for name in {route.key, *([route.path] if route.path_parameters else [])}
        for file, text in texts.items()
        if re.search(rf"{re.escape(name)}(?![/\w])", text) and not may_name(route, file)
    ]
    assert elsewhere == []


def test_new_route_is_described_without_another_change() -> None:
    described = document([*ROUTES, NEW])

    assert described["paths"][NEW.path]["put"]["operationId"] == "replaceAvatar"
    assert event_of(NEW)["rawPath"] == event_of(BY_NAME["get_agent"])["rawPath"] + "/avatar"
    assert f"| `{NEW.key}` | gateway | Replace the avatar | 200 agent |" in table([NEW])


def test_generated_files_are_up_to_date() -> None:
    assert stale() == [], "run `make openapi`"


def test_every_file_in_events_belongs_to_a_route() -> None:
    written = {path.stem for path in (ROOT / "events").glob("*.json")} - {each.name for each in ALL_ROUTES}

    assert written == {"activity_report", "operator", "env"}


@pytest.mark.parametrize("attribute", ["key", "operation_id", "summary"])
def test_names_of_routes_are_unique(attribute: str) -> None:
    names = [getattr(route, attribute) for route in ALL_ROUTES]

    assert len(set(names)) == len(names)


def test_readme_without_the_comments_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"README.md has no <!-- routes"):
        with_routes("# Title", ALL_ROUTES)


def test_text_around_the_table_is_kept() -> None:
    text = f"before\n{BEGIN}\nold\n<!-- /routes -->\nafter\n"

    assert with_routes(text, ALL_ROUTES) == f"before\n{BEGIN}\n{table(ALL_ROUTES)}\n<!-- /routes -->\nafter\n"
