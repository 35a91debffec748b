"""What schemathesis cannot know: how a session is come by, that the document hides nothing, and what a leak is."""

import json
import os
import re
from pathlib import Path
from typing import Any

import requests
import schemathesis
from jsonschema import ValidationError
from schemathesis import AuthContext, Case, CheckContext, HookContext, Response

from agent_sessions.domain.characters import REPLACEMENT, is_visible
from agent_sessions.domain.identity import MAX_NAME_CHARACTERS
from agent_sessions.domain.tokens import TOKEN_PATTERN
from tests.guards.leaks import LEAKS, TOKEN_RESPONSE
from tests.support.contract import DOCUMENT, check_response
from tools.cloudformation import PARAMETERS
from tools.openapi.route import Auth
from tools.openapi.routes import ROUTES

TOKEN = re.compile(f"Bearer {TOKEN_PATTERN}")
WITH_TOKEN = [route.operation_id for route in ROUTES if route.auth is Auth.TOKEN]
MAX_SECONDS = int(PARAMETERS["IdleTimeoutSeconds"]["Default"])
# Where the tokens are written that came back: who started this looks for them in what the emulator keeps.
MADE = Path(os.environ["SESSION_TOKENS"])


def made(sign_in: str) -> str:
    """Return the token of a sign-in's answer, and note that there is one more."""
    token: str = json.loads(sign_in)["session_token"]
    LEAKS.tokens.remember(token)
    with MADE.open("a") as tokens:
        tokens.write(f"{token}\n")
    return token


@schemathesis.auth(refresh_interval=None).apply_to(operation_id=WITH_TOKEN)
class LiveSession:
    """Gives a call its own live session, unless a link brought one or the header is to be bad."""

    def get(self, case: Case[Any], context: AuthContext) -> str | None:
        presented = str(case.headers.get("Authorization"))
        if TOKEN.fullmatch(presented):
            return presented
        if case.meta is None or case.meta.generation.mode.is_negative:
            return None
        answer = requests.post(f"{context.operation.base_url}/sessions", json={"agent_name": "Fuzz"}, timeout=30)
        return f"Bearer {made(answer.text)}"

    def set(self, case: Case[Any], data: str, _: AuthContext) -> None:
        case.headers["Authorization"] = data


@schemathesis.hook
def map_case(_: HookContext, case: Case[Any]) -> Case[Any]:
    """Follow the rules that the document has in words only, unless the case is to be bad."""
    if case.meta is None or case.meta.generation.mode.is_positive:
        if isinstance(case.body, dict):
            case.body = follow_the_words(case.body)
        if case.query:
            case.query = follow_the_words(case.query)
            if "agent_name" not in case.query:
                case.query.pop("context", None)
    return case


def follow_the_words(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with texts of acceptable characters, and numbers that the stack allows."""
    for name, value in fields.items():
        if name in ("agent_name", "context", "activity", "stop_requested") and isinstance(value, str):
            fields[name] = acceptable(value)
        elif name in ("idle_seconds", "lifetime_seconds") and isinstance(value, int | float):  # 60.0 is an integer
            fields[name] = int(min(value, MAX_SECONDS))
        elif name == "metadata" and isinstance(value, dict):
            fields[name] = {key: acceptable(text)[:16] for key, text in [*value.items()][:5]}
    return fields


def acceptable(text: str) -> str:
    """Return a name of the characters of a text that a name may have."""
    kept = "".join(character for character in text if character.isprintable() and character != REPLACEMENT)
    return kept[:MAX_NAME_CHARACTERS] if is_visible(kept[:MAX_NAME_CHARACTERS]) else "x"


@schemathesis.check
def described(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Every field and header is described; where there is no route, the gateway says so."""
    method, path = case.method, case.operation.path
    if method.lower() not in DOCUMENT["paths"][path]:
        assert (response.status_code, json.loads(response.content)) == (404, {"message": "Not Found"})
        return
    route, status, body = f"{method} {path}", response.status_code, response.content.decode()
    headers = {name: ", ".join(values) for name, values in response.headers.items()}
    try:
        check_response(route, status, headers, body)
    except ValidationError as error:
        raise AssertionError(f"not as described: {error.message}") from error
    if (route, status) == TOKEN_RESPONSE:
        made(body)
    LEAKS.check_response(route, status, headers, body)
    assert LEAKS.take() == []
