"""The response headers of the functions.

None is required except Location: a response of API Gateway has none of them, and API Gateway may rename
WWW-Authenticate. The tests require each of them in every response of a function.
"""

from typing import Any

HEADERS: dict[str, dict[str, Any]] = {
    "Cache-Control": {
        "description": "Prevents caches from storing the response.",
        "schema": {"type": "string", "const": "no-store"},
    },
    "X-Content-Type-Options": {
        "description": "Keeps browsers from guessing another media type.",
        "schema": {"type": "string", "const": "nosniff"},
    },
    "Location": {
        "description": "Where the token of the new session is validated, relative to the URL of the request.",
        "required": True,
        "schema": {"type": "string", "const": "sessions/current"},
    },
    "WWW-Authenticate": {
        "description": "The reason in the terms of RFC 6750. API Gateway may rename this header to "
        "`x-amzn-remapped-www-authenticate`.",
        "schema": {"type": "string", "enum": ["Bearer", 'Bearer error="invalid_token"']},
    },
    "Retry-After": {
        "description": "The number of seconds to wait before retrying.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "1",
    },
}

ALWAYS = ("Cache-Control", "X-Content-Type-Options")
"""What every response of a function has."""


def headers(*names: str) -> dict[str, Any]:
    """Return references to these headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
