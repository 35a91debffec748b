"""A stand-in for the API: API Gateway that rejects callers, and a later version of the service.

The local service has no gateway that would return 403, and its responses have no fields that the document lacks.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agent_sessions.http.response_models import SessionBody
from tools.local.loopback import LOCALHOST
from tools.openapi import examples
from tools.openapi.routes import BY_NAME

SESSION = json.dumps({**examples.BODIES[SessionBody], "added_later": {"reason": "a new field"}})
FORBIDDEN = json.dumps({"message": "Forbidden"})


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Return a session with a field that no client knows; to every other request, the gateway's 403."""
        if self.path == BY_NAME["validate_session"].path:
            self._respond(HTTPStatus.OK, SESSION)
        else:
            self._respond(HTTPStatus.FORBIDDEN, FORBIDDEN)

    def _respond(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the base class
        """Write no log."""


@contextmanager
def stand_in() -> Iterator[str]:
    """Serve on a free port of this machine while the block runs; yield the URL."""
    server = ThreadingHTTPServer((LOCALHOST, 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{LOCALHOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
