"""One route of the HTTP API: what it takes, who may call it, and every response that it returns."""

import re
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from agent_sessions.http.request_models import Input


class Auth(StrEnum):
    """Who may call a route."""

    GATEWAY = "gateway"
    """Callers that the gateway verified as the parameter ApiAuth requires."""
    TOKEN = "token"  # noqa: S105  a kind of authentication
    """Callers that present a session token; the function checks it."""
    ANYONE = "anyone"
    """Everyone."""


@dataclass(frozen=True, kw_only=True)
class Success:
    """The response of a request that succeeded."""

    status: HTTPStatus
    description: str
    body: Any = None
    """The type of its JSON body, from ``response_models``; None if it has no body."""
    example: Any = None
    """An example of the body, if ``examples.BODIES`` has none of its type."""
    location: bool = False
    """Whether it has a ``Location`` header."""
    links: dict[str, dict[str, str]] = field(default_factory=dict)
    """Operations that it leads to, by id, with their parameters as OpenAPI runtime expressions."""


@dataclass(frozen=True)
class Route:
    """A method and a path, with everything that derives from them."""

    method: str
    path: str
    _: KW_ONLY
    function: str
    """The folder of its function in functions/."""
    auth: Auth
    operation_id: str
    """Its name in generated clients, in camel case."""
    tag: str
    summary: str
    description: str
    success: Success
    body: type[Input] | None = None
    query: type[Input] | None = None
    example_body: dict[str, Any] | None = None
    example_query: dict[str, str] = field(default_factory=dict)
    errors: tuple[type[Exception], ...] = ()
    """Errors of its own; DatabaseError and unexpected errors are everyone's."""
    meanings: dict[type[Exception], str] = field(default_factory=dict)
    """What an error means on this route, if it is not what it means elsewhere."""
    example_headers: dict[str, str] = field(default_factory=dict)
    condition: str | None = None
    """The condition of the template without which there is no such route."""

    @property
    def key(self) -> str:
        """The route key of API Gateway: the method, a space, and the path."""
        return f"{self.method} {self.path}"

    @property
    def name(self) -> str:
        """The operation id in snake case, such as ``get_agent``: its file in events/."""
        return re.sub("([A-Z])", r"_\1", self.operation_id).lower()

    @property
    def path_parameters(self) -> list[str]:
        """The names of the parameters in the path, in order."""
        return re.findall(r"\{(\w+)\}", self.path)
