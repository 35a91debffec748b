"""Sign an agent in with a token of your issuer: python examples/sign_in_with_jwt.py "Claude" [NAME=VALUE …].

Set API_URL, TOKEN_URL, CLIENT_ID and CLIENT_SECRET. After the agent's name come the parameters that your issuer
requires: ``scope=agent-sessions/call`` for Amazon Cognito, ``audience=…`` for others.
"""

import json
import os
import sys
from base64 import b64encode
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

VARIABLES = ("API_URL", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET")


def post(url: str, body: str, authorization: str, content_type: str) -> dict[str, str]:
    """Return the JSON object of the response; stop if there is none."""
    headers = {"Authorization": authorization, "Content-Type": content_type}
    try:
        with urlopen(Request(url, body.encode(), headers), timeout=30) as response:
            fields: dict[str, str] = dict(json.load(response))
    except HTTPError as error:
        sys.exit(f"{url} responded with {error.code}: {error.read().decode(errors='replace')}")
    except (OSError, TypeError, ValueError) as error:
        sys.exit(f"{url} does not respond with a JSON object: {error}")
    return fields


agent_name, *parameters = sys.argv[1:] or sys.exit("Give the name of the agent, then the parameters of your issuer.")
if missing := [name for name in VARIABLES if not os.environ.get(name)]:
    sys.exit(f"Set {', '.join(missing)}, as docs/authentication.md describes.")
if wrong := [each for each in parameters if "=" not in each]:
    sys.exit(f"Give the parameters of your issuer as NAME=VALUE, not {wrong[0]}.")
api_url, token_url, client_id, client_secret = (os.environ[name] for name in VARIABLES)

grant = urlencode({"grant_type": "client_credentials"} | dict(each.split("=", 1) for each in parameters))
client = b64encode(f"{client_id}:{client_secret}".encode()).decode()
issued = post(token_url, grant, f"Basic {client}", "application/x-www-form-urlencoded")
access_token = issued.get("access_token") or sys.exit(f"{token_url} did not issue an access_token.")

body = json.dumps({"agent_name": agent_name})
session = post(f"{api_url.rstrip('/')}/sessions", body, f"Bearer {access_token}", "application/json")
print(json.dumps(session))
