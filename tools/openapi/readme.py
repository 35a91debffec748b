"""The route table in README.md, between two comments that nobody sees."""

from collections.abc import Collection, Iterable
from types import get_original_bases
from typing import Any, TypedDict

from agent_sessions.http.request_models import Input
from tools.openapi.route import Route

BEGIN, END = "<!-- routes: written by `make openapi` -->", "<!-- /routes -->"
SMALL = 3
"""A body of at most so many fields is shown by its fields."""


def with_routes(text: str, routes: Iterable[Route]) -> str:
    """Return the text with the table of these routes between the comments; raises ValueError without them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md has no {BEGIN} followed by {END}")
    return f"{before}{begin}\n{table(routes)}\n{end}{after}"


def table(routes: Iterable[Route]) -> str:
    """Return a Markdown table with a row for each route."""
    rows = ["| route | auth | does | success |", "|---|---|---|---|"]
    rows += [f"| {_called(route)} | {route.auth} | {route.summary} | {_success(route)} |" for route in routes]
    return "\n".join(rows)


def _called(route: Route) -> str:
    names = route.query.model_fields if route.query else ()
    query = "?" + "&".join(f"{name}=" for name in names) if names else ""
    return f"`{route.key}{query}`" + (f"<br>`{_body(route.body)}`" if route.body else "")


def _body(model: type[Input]) -> str:
    fields = model.model_fields.items()
    return "{" + ", ".join(name if each.is_required() else f"{name}?" for name, each in fields) + "}"


def _success(route: Route) -> str:
    """Return the status and the body: the fields of a small one; of another its name, and what it adds to a base."""
    status, body = route.success.status.value, route.success.body
    if body is None:
        return f"{status}"
    if len(body.__annotations__) <= SMALL:
        return f"{status} `{{{_fields(body, body.__annotations__)}}}`"
    (base,) = get_original_bases(body)
    if base is TypedDict:
        return f"{status} {_name(body)}"
    return f"{status} {_name(base)} + `{_fields(body, body.__annotations__.keys() - base.__annotations__)}`"


def _fields(body: Any, names: Collection[str]) -> str:
    return ", ".join(
        name if name in body.__required_keys__ else f"{name}?" for name in body.__annotations__ if name in names
    )


def _name(body: Any) -> str:
    return str(body.__name__).removesuffix("Body").lower()
