"""Hooks of schemathesis: how a call gets a session, and the checks of each response against document and leaks."""

import json
import os
import re
import uuid
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
from tests.support.timeouts import HANG_SECONDS
from tools.cloudformation import PARAMETERS
from tools.openapi.route import Auth
from tools.openapi.routes import ROUTES

TOKEN = re.compile(f"Bearer {TOKEN_PATTERN}")
WITH_TOKEN = [route.operation_id for route in ROUTES if route.auth is Auth.TOKEN]
MAX_SECONDS = int(PARAMETERS["IdleTimeoutSeconds"]["Default"])
# The tokens of all responses, for the guards of the process that started this one.
TOKENS_FILE = Path(os.environ["SESSION_TOKENS"])


def remember_token(sign_in: str) -> str:
    """Return the token in the response to a sign-in, and remember it for the guards."""
    token: str = json.loads(sign_in)["session_token"]
    LEAKS.tokens.remember(token)
    with TOKENS_FILE.open("a") as tokens:
        tokens.write(f"{token}\n")
    return token


@schemathesis.auth(refresh_interval=None).apply_to(operation_id=WITH_TOKEN)
class LiveSession:
    """Gives a call its own live session, unless it has one from a link or is a negative case."""

    def get(self, case: Case[Any], context: AuthContext) -> str | None:
        presented = str(case.headers.get("Authorization"))
        if TOKEN.fullmatch(presented):
            return presented
        if case.meta is None or case.meta.generation.mode.is_negative:
            return None
        url = f"{context.operation.base_url}/sessions"
        # An agent of its own: another call may have blocked any earlier one.
        response = requests.post(url, json={"agent_name": f"Fuzz {uuid.uuid4()}"}, timeout=HANG_SECONDS)
        response.raise_for_status()
        return f"Bearer {remember_token(response.text)}"

    def set(self, case: Case[Any], data: str, _: AuthContext) -> None:
        case.headers["Authorization"] = data


@schemathesis.hook
def map_case(_: HookContext, case: Case[Any]) -> Case[Any]:
    """Follow the rules that the document has only in words, unless the case is negative."""
    if case.meta is None or case.meta.generation.mode.is_positive:
        if isinstance(case.body, dict):
            case.body = follow_descriptions(case.body)
        if case.query:
            case.query = follow_descriptions(case.query)
            if str(case.query.get("limit")).isdecimal():  # so that most lists have a next page, to which a link leads
                case.query["limit"] = 1 + int(case.query["limit"]) % 3
                case.query.pop("agent_name", None)
            if "agent_name" not in case.query:
                case.query.pop("context", None)
    return case


def follow_descriptions(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with acceptable texts and numbers."""
    for name, value in fields.items():
        if name in ("agent_name", "context", "activity", "stop_requested") and isinstance(value, str):
            fields[name] = acceptable(value)
        elif name in ("idle_seconds", "lifetime_seconds") and isinstance(value, int | float):  # 60.0 is an integer
            fields[name] = int(min(value, MAX_SECONDS))
        elif name == "metadata" and isinstance(value, dict):
            fields[name] = {key: acceptable(text)[:16] for key, text in [*value.items()][:5]}
    return fields


def acceptable(text: str) -> str:
    """Return the acceptable characters of a text, or a name if that has none that is visible."""
    kept = "".join(character for character in text if character.isprintable() and character != REPLACEMENT)
    return kept[:MAX_NAME_CHARACTERS] if is_visible(kept[:MAX_NAME_CHARACTERS]) else "x"


@schemathesis.check
def described(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check that every field and header is described, and that an unknown method gets the gateway's 404."""
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
        remember_token(body)
    LEAKS.check_response(route, status, headers, body)
    assert LEAKS.take() == []
