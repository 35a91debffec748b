"""The session token that a request presents."""

from collections.abc import Mapping

from agent_sessions.errors import SessionTokenRequiredError


def header(headers: Mapping[str, str], name: str) -> str:
    """Return the value of a header whose name is given in lower case; empty if there is none."""
    # HTTP APIs write names in lower case; REST and WebSocket APIs as they were sent.
    value = headers.get(name)
    return value if value is not None else next((text for key, text in headers.items() if key.lower() == name), "")


def bearer_token(authorization: str) -> str:
    """Return the token in the value of an ``Authorization`` header.

    Raises:
        SessionTokenRequiredError: the value is not a bearer token (RFC 6750, 2.1).
    """
    scheme, _, token = authorization.partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer" or not token:
        raise SessionTokenRequiredError
    return token
