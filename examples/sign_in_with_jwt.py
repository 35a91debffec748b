"""Sign an agent in with a token of your issuer: python examples/sign_in_with_jwt.py "Claude".

Set API_URL, TOKEN_URL, CLIENT_ID and CLIENT_SECRET. What else your issuer wants to be asked follows the name:
``scope=agent-sessions/call`` for Amazon Cognito, ``audience=…`` for others.
"""

import json
import os
import sys
from base64 import b64encode
from urllib.parse import urlencode
from urllib.request import Request, urlopen


def post(url: str, body: str, authorization: str, content_type: str) -> dict[str, str]:
    """Return the JSON object that answers."""
    headers = {"Authorization": authorization, "Content-Type": content_type}
    with urlopen(Request(url, body.encode(), headers), timeout=30) as answer:
        fields: dict[str, str] = json.load(answer)
        return fields


agent_name, *more = sys.argv[1:]
asked = urlencode({"grant_type": "client_credentials"} | dict(each.split("=", 1) for each in more))
client = b64encode(f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}".encode()).decode()
issued = post(os.environ["TOKEN_URL"], asked, f"Basic {client}", "application/x-www-form-urlencoded")

body = json.dumps({"agent_name": agent_name})
session = post(f"{os.environ['API_URL']}/sessions", body, f"Bearer {issued['access_token']}", "application/json")
print(json.dumps(session))
