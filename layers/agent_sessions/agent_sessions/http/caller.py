"""Who calls, as the gateway verified it; never read from the body or a header.

The shapes of the authorizers: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from agent_sessions.domain.identity import MAX_OWNER_BYTES
from agent_sessions.errors import CallerError

PUBLIC = "public"


def owner_of(event: Mapping[str, Any], *, api_auth: str) -> str:
    """Return the owner on whose behalf an HTTP API event (payload 2.0) acts.

    Args:
        event: The event as the function received it.
        api_auth: How the gateway verifies callers (``ApiAuth``).

    Returns:
        ``iam:`` and the ARN of a user or role; ``cognito:`` and the pool and identity of an identity pool; ``jwt:`` and
        issuer and subject; or ``public`` if the gateway verifies nobody. If it has over 512 bytes, the kind,
        ``sha256:`` and the hash in hex.

    Raises:
        CallerError: the gateway verifies callers and passed none, or not all of its name.
    """
    match event.get("requestContext", {}).get("authorizer") or None:
        # All identities of a pool share a role, so this case precedes the next.
        case {"iam": {"cognitoIdentity": identity}} if identity:
            return _bounded("cognito", _cognito_name(identity))
        case {"iam": {"userArn": str(arn)}}:
            return _bounded("iam", _without_session_name(arn))
        case {"jwt": {"claims": {"iss": str(issuer), "sub": str(subject)}}} if issuer and subject:
            # A subject is unique only within its issuer (RFC 7519, 4.1.2).
            return _bounded("jwt", f"{_escape(issuer, '#')}#{subject}")
        case None if api_auth == "NONE":
            return PUBLIC
    raise CallerError


def _cognito_name(identity: object) -> str:
    match identity:
        case {"identityPoolId": str(pool), "identityId": str(identity_id)} if pool and identity_id:
            return f"{_escape(pool, '/')}/{identity_id}"
    raise CallerError


def _without_session_name(arn: str) -> str:
    """Return the ARN; of an assumed role without the name of the session, so that a role is one owner.

    ``arn:aws:sts::111122223333:assumed-role/worker/i-0abc`` becomes ``….:assumed-role/worker``. Only the sixth field
    decides: the path of a user may contain ``:assumed-role/``.
    """
    match arn.split(":", 5):
        case ["arn", partition, "sts", region, account, resource] if resource.startswith("assumed-role/"):
            if role := resource.split("/")[1]:
                return f"arn:{partition}:sts:{region}:{account}:assumed-role/{role}"
        case ["arn", _, _, _, _, resource] if resource:
            return arn
    raise CallerError


def _escape(text: str, separator: str) -> str:
    """Percent-encode a separator, so that two names joined by it can be told apart."""
    return text.replace("%", "%25").replace(separator, f"%{ord(separator):02X}")


def _bounded(kind: str, name: str) -> str:
    owner = f"{kind}:{name}"
    try:
        encoded = owner.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can escape and no key can store
        raise CallerError from None
    return owner if len(encoded) <= MAX_OWNER_BYTES else f"{kind}:sha256:{hashlib.sha256(encoded).hexdigest()}"
