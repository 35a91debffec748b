"""Who calls, as the gateway verified it: never taken from the body or a header."""

from collections.abc import Mapping
from typing import Any

from agent_sessions.errors import CallerError

PUBLIC = "public"


def owner_of(event: Mapping[str, Any], *, api_auth: str) -> str:
    """Return the owner in whose name an HTTP API event (payload 2.0) acts.

    Args:
        event: The event as the function received it.
        api_auth: How the gateway is set up to verify callers.

    Returns:
        ``iam:`` and the ARN of the user or role, ``jwt:`` and the subject, or ``public`` where the
        gateway runs open.

    Raises:
        CallerError: the gateway is set up to verify callers and passed none.
    """
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    if arn := (authorizer.get("iam") or {}).get("userArn"):
        return f"iam:{_without_session_name(arn)}"
    if subject := ((authorizer.get("jwt") or {}).get("claims") or {}).get("sub"):
        return f"jwt:{subject}"
    if api_auth == "NONE" and not authorizer:
        return PUBLIC
    raise CallerError


def _without_session_name(arn: str) -> str:
    """Return the ARN; of an assumed role without the session's name, so that a role stays one owner.

    ``arn:aws:sts::111122223333:assumed-role/worker/i-0abc`` becomes ``….:assumed-role/worker``.
    """
    prefix, _, resource = arn.rpartition(":")
    kind, *path = resource.split("/")
    if kind == "assumed-role" and len(path) > 1:
        return f"{prefix}:{kind}/{path[0]}"
    return arn
