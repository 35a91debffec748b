"""What schemathesis cannot know: how a session is come by, and that the document hides nothing."""

import json
import re
from typing import Any

import requests
import schemathesis
from jsonschema import ValidationError
from schemathesis import AuthContext, Case, CheckContext, Response

from tests.contract import DOCUMENT, check_answer

TOKEN = re.compile(r"Bearer [A-Za-z0-9_-]{43}")


@schemathesis.auth(refresh_interval=None).apply_to(operation_id=["validate", "signOut"])
class LiveSession:
    """Gives a call its own live session, unless a link brought one or the header is to be bad."""

    def get(self, case: Case[Any], context: AuthContext) -> str | None:
        presented = str(case.headers.get("Authorization"))
        if TOKEN.fullmatch(presented):
            return presented
        if case.meta is None or case.meta.generation.mode.is_negative:
            return None
        answer = requests.post(f"{context.operation.base_url}/sessions", json={"agent_name": "Fuzz"}, timeout=30)
        return f"Bearer {answer.json()['session_token']}"

    def set(self, case: Case[Any], data: str, _: AuthContext) -> None:
        case.headers["Authorization"] = data


@schemathesis.check
def described(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Every field and header is described; where there is no route, the gateway says so."""
    method, path = case.method, case.operation.path
    if method.lower() not in DOCUMENT["paths"][path]:
        assert (response.status_code, json.loads(response.content)) == (404, {"message": "Not Found"})
        return
    headers = {name: ", ".join(values) for name, values in response.headers.items()}
    try:
        check_answer(f"{method} {path}", response.status_code, headers, response.content.decode())
    except ValidationError as error:
        raise AssertionError(f"not as described: {error.message}") from error
