"""ApiAuth=JWT: the gateway verifies the tokens of an issuer, and each subject is an owner of its own."""

import base64
import json
import runpy
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import botocore.session
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.e2e.conftest import Api
from tests.e2e.deployment import Deployments
from tests.support.mcp import headers_of, message
from tools import ROOT
from tools.cloudformation import RESOURCES
from tools.local.emulator import Emulator

AUDIENCE = "agents"
SECRET = "secret of the client"
PAGE = "http://localhost:3000"  # the local service refuses requests of foreign pages itself


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """An OpenID issuer on this machine, with one key."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        documents = {"/.well-known/openid-configuration": self._configuration, "/jwks": self._keys}
        grant = self._grant

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(documents[self.path]()).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                body = json.dumps(grant(self.headers["Authorization"], form)).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}"

    def _configuration(self) -> dict[str, str]:
        return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}

    def _grant(self, authorization: str, form: dict[str, list[str]]) -> dict[str, str]:
        """Return a token for a client (RFC 6749, 4.4)."""
        client_id, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        assert (form["grant_type"], secret) == (["client_credentials"], SECRET)
        return {"access_token": self.token(client_id, aud=form["audience"][0]), "token_type": "Bearer"}

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


def test_subjects_are_different_owners(api: Api, issuer: Issuer) -> None:
    ada, bob = issuer.headers("ada"), issuer.headers("bob")
    of_ada = api.sign_in("Claude", headers=ada).body
    of_bob = api.sign_in("Claude", headers=bob).body

    assert of_ada["agent_id"] != of_bob["agent_id"]
    assert api.agent(of_ada["agent_id"], headers=ada).status == 200
    assert api.agent(of_ada["agent_id"], headers=bob).status == 404
    assert api.validate(of_ada["session_token"]).status == 200, "a session token needs no JWT"


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"aud": "others"}, {"iss": "https://elsewhere.example"}],
    ids=lambda claims: next(iter(claims)),
)
def test_jwt_with_wrong_claim_gets_401(api: Api, issuer: Issuer, claims: dict[str, Any]) -> None:
    assert api.sign_in(headers=issuer.headers("ada", **claims)).status == 401


def test_request_without_jwt_gets_401(api: Api) -> None:
    assert api.sign_in().status == 401
    assert api.find("agent_name=Claude").status == 401
    assert api.call("GET", "/health", route="GET /health").status == 200


# -- scopes, and web pages


@pytest.fixture(scope="module")
def restricted(deploy: Callable[..., Api], issuer: Issuer, emulator: Emulator) -> Api:
    """The service for tokens with a scope, and for the web pages of one origin."""
    jwt = {"ApiAuth": "JWT", "JwtIssuer": issuer.url, "JwtAudience": AUDIENCE}
    api = deploy("restricted", **jwt, JwtScopes="sessions,admin", CorsOrigins=PAGE)
    # The emulator stores what CloudFormation gives it under names that it does not read, so it gets the same again.
    _, settings, _ = RESOURCES["Api"]["Properties"]["CorsConfiguration"]["Fn::If"]
    gateway: Any = botocore.session.get_session().create_client(
        "apigatewayv2",
        region_name="us-east-1",
        endpoint_url=emulator.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    gateway.update_api(ApiId=api.outputs["ApiId"], CorsConfiguration=settings | {"AllowOrigins": [PAGE]})
    return api


@pytest.mark.parametrize(
    ("claims", "status"),
    [({}, 403), ({"scope": "others"}, 403), ({"scope": "others admin"}, 201), ({"scope": "sessions"}, 201)],
    ids=["none", "others", "one of two", "sessions"],
)
def test_jwt_needs_one_of_the_scopes(restricted: Api, issuer: Issuer, claims: dict[str, Any], status: int) -> None:
    response = restricted.call("POST", "/sessions", {"agent_name": "Claude"}, headers=issuer.headers("ada", **claims))

    assert response.status == status


def test_session_token_needs_no_scope(restricted: Api, issuer: Issuer) -> None:
    signed_in = restricted.sign_in(headers=issuer.headers("ada", scope="sessions"))

    assert restricted.validate(signed_in.body["session_token"]).status == 200


def test_web_page_of_an_allowed_origin_can_sign_in(restricted: Api, issuer: Issuer) -> None:
    # A browser asks without credentials first.
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = restricted.call("OPTIONS", "/sessions", headers={"Origin": PAGE} | asks)

    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == PAGE
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"].split(",")
    assert {"authorization", "content-type"} <= set(preflight.headers["Access-Control-Allow-Headers"].split(","))

    response = restricted.sign_in(headers={"Origin": PAGE} | issuer.headers("ada", scope="sessions"))
    assert response.status == 201
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert set(response.headers["Access-Control-Expose-Headers"].split(",")) == {"location", "retry-after"}


@pytest.mark.parametrize("stack", ["restricted", "api"])
def test_web_page_of_another_origin_gets_no_permission(
    request: pytest.FixtureRequest, issuer: Issuer, stack: str
) -> None:
    api: Api = request.getfixturevalue(stack)
    response = api.sign_in(headers={"Origin": "http://localhost:4000"} | issuer.headers("ada", scope="sessions"))

    assert response.status == 201
    assert not [name for name in response.headers if name.lower().startswith("access-control-")]


# -- the MCP endpoint


@pytest.mark.parametrize("path", ["", "/mcp"])
def test_mcp_metadata_names_the_issuer_without_a_token(restricted: Api, issuer: Issuer, path: str) -> None:
    response = restricted.call("GET", f"/.well-known/oauth-protected-resource{path}")

    assert response.status == 200
    assert response.body["authorization_servers"] == [issuer.url]
    assert response.body["scopes_supported"] == ["sessions", "admin"]


def test_mcp_caller_is_the_subject_of_its_token(api: Api, issuer: Issuer) -> None:
    body = message("tools/call", {"name": "whoami", "arguments": {}})
    assert api.call("POST", "/mcp", body, headers=headers_of(body)).status == 401

    response = api.call("POST", "/mcp", body, headers=headers_of(body) | issuer.headers("ada"))
    assert response.body["result"]["structuredContent"]["owner"] == f"jwt:{issuer.url}#ada"


@pytest.mark.parametrize(("origin", "status"), [(PAGE, 200), ("http://localhost:4000", 403)])
def test_mcp_serves_web_pages_of_allowed_origins_alone(
    restricted: Api, issuer: Issuer, origin: str, status: int
) -> None:
    body = message("tools/list")
    headers = headers_of(body) | issuer.headers("ada", scope="sessions") | {"Origin": origin}

    assert restricted.call("POST", "/mcp", body, headers=headers).status == status


# -- the example in the documents


def run_example(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Run the example; return the session that it prints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["", *arguments])
        runpy.run_path(str(ROOT / "examples/sign_in_with_jwt.py"), run_name="__main__")
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_jwt_example_signs_in_with_any_issuer(
    api: Api, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("API_URL", api.url)
    monkeypatch.setenv("TOKEN_URL", f"{issuer.url}/token")
    monkeypatch.setenv("CLIENT_ID", "worker")
    monkeypatch.setenv("CLIENT_SECRET", SECRET)

    session = run_example(capsys, "Claude", f"audience={AUDIENCE}")

    assert api.agent(session["agent_id"], headers=issuer.headers("worker")).status == 200


def test_jwt_example_signs_in_with_cognito(
    deploy: Callable[..., Api],
    deployments: Deployments,
    emulator: Emulator,
    aws: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outputs = deployments.deploy_example("cognito", "cognito", {"DomainPrefix": "agents-of-ours"})
    client = {"UserPoolId": outputs["UserPoolId"], "ClientId": outputs["JwtAudience"]}
    secret = aws("cognito-idp").describe_user_pool_client(**client)["UserPoolClient"]["ClientSecret"]
    api = deploy("with-cognito", ApiAuth="JWT", JwtIssuer=outputs["JwtIssuer"], JwtAudience=outputs["JwtAudience"])
    assert outputs["TokenUrl"] == "https://agents-of-ours.auth.us-east-1.amazoncognito.com/oauth2/token"
    monkeypatch.setenv("API_URL", api.url)
    monkeypatch.setenv("TOKEN_URL", f"{emulator.url}/oauth2/token")
    monkeypatch.setenv("CLIENT_ID", outputs["JwtAudience"])
    monkeypatch.setenv("CLIENT_SECRET", secret)

    session = run_example(capsys, "Claude", "scope=agent-sessions/call")

    assert api.validate(session["session_token"]).body["agent_name"] == "Claude"
