"""ApiAuth=JWT: the gateway verifies the tokens of an issuer, and each subject is an owner."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.e2e.conftest import Api

AUDIENCE = "agents"


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """An OpenID issuer on this machine, with one key."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        documents = {"/.well-known/openid-configuration": self._configuration, "/jwks": self._keys}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(documents[self.path]()).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}"

    def _configuration(self) -> dict[str, str]:
        return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}

    def _keys(self) -> dict[str, Any]:
        public = self._key.public_key().public_numbers()
        return {
            "keys": [
                {
                    "kid": "1",
                    "kty": "RSA",
                    "alg": "RS256",
                    "use": "sig",
                    "n": b64url(public.n.to_bytes(256, "big")),
                    "e": b64url(public.e.to_bytes(3, "big")),
                }
            ]
        }

    def token(self, subject: str, **claims: Any) -> str:
        header = {"alg": "RS256", "kid": "1", "typ": "JWT"}
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": subject, "exp": int(time.time()) + 600} | claims
        signed = ".".join(b64url(json.dumps(part).encode()) for part in (header, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{b64url(signature)}"

    def headers(self, subject: str, **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(subject, **claims)}"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    thread = threading.Thread(target=issuer.server.serve_forever, daemon=True)
    thread.start()
    yield issuer
    issuer.server.shutdown()
    issuer.server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def api(deploy: Callable[..., Api], issuer: Issuer) -> Api:
    return deploy("with-jwt", ApiAuth="JWT", JwtIssuer=issuer.url, JwtAudience=AUDIENCE)


def test_a_subject_is_an_owner(api: Api, issuer: Issuer) -> None:
    ada, bob = issuer.headers("ada"), issuer.headers("bob")
    hers = api.sign_in("Claude", headers=ada).body
    his = api.sign_in("Claude", headers=bob).body

    assert hers["agent_id"] != his["agent_id"]
    assert api.agent(hers["agent_id"], headers=ada).status == 200
    assert api.agent(hers["agent_id"], headers=bob).status == 404
    assert api.validate(hers["session_token"]).status == 200, "the session token needs no other"


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"aud": "others"}, {"iss": "https://elsewhere.example"}],
    ids=lambda claims: next(iter(claims)),
)
def test_a_token_that_is_not_for_us_is_refused_by_the_gateway(api: Api, issuer: Issuer, claims: dict[str, Any]) -> None:
    assert api.sign_in(headers=issuer.headers("ada", **claims)).status == 401


def test_without_a_token_nobody_gets_in(api: Api) -> None:
    assert api.sign_in().status == 401
    assert api.find("agent_name=Claude").status == 401
    assert api.call("GET", "/health", route="GET /health").status == 200
