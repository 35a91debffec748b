"""The examples of the OpenAPI document and of events/: one agent, its sessions, and what is returned for them.

They come from the code that makes real ones, so an id in an example is the id of the agent in the example.
"""

from typing import Any
from unittest import mock

from agent_sessions.domain.identity import Identity, agent_id
from agent_sessions.domain.tokens import SessionToken
from agent_sessions.http.caller import owner_of

CALLER: dict[str, Any] = {
    "iam": {
        "accessKey": "ASIAIOSFODNN7EXAMPLE",
        "accountId": "111122223333",
        "callerId": "AROAIOSFODNN7EXAMPLE:worker-1",
        "cognitoIdentity": None,
        "principalOrgId": "o-exampleorg",
        "userArn": "arn:aws:sts::111122223333:assumed-role/agent-worker/worker-1",
        "userId": "AROAIOSFODNN7EXAMPLE:worker-1",
    }
}
"""What API Gateway passes for a signed request of a role."""

OWNER = owner_of({"requestContext": {"authorizer": CALLER}}, api_auth="AWS_IAM")
IDENTITY = Identity.of("Claude", "Project A")
AGENT_ID = agent_id(OWNER, IDENTITY.key)


def _token(first_byte: int) -> SessionToken:
    """Return the token that would be made if these were the random bytes: the same one each time."""
    with mock.patch("secrets.token_bytes", lambda size: bytes(range(first_byte, first_byte + size))):
        return SessionToken.mint(AGENT_ID)


TOKEN = _token(0)
PATH: dict[str, str] = {"agent_id": AGENT_ID, "session_id": TOKEN.session_id}
"""Values of the parameters in paths."""
