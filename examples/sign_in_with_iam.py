"""Sign an agent in with AWS credentials: API_URL=https://… python examples/sign_in_with_iam.py "Claude"."""

import json
import os
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.session import Session

if len(sys.argv) != 2:
    sys.exit("Give the name of the agent: python examples/sign_in_with_iam.py NAME")
url = os.environ.get("API_URL") or sys.exit("Set API_URL to the URL of the service: the stack output ApiUrl.")
body = json.dumps({"agent_name": sys.argv[1]})
try:
    session = Session()
    region = session.get_config_variable("region") or sys.exit("Set AWS_DEFAULT_REGION to the region of the service.")
    credentials = session.get_credentials() or sys.exit("Set AWS_PROFILE, or sign in with `aws sso login`.")
    request = AWSRequest("POST", f"{url.rstrip('/')}/sessions", {"Content-Type": "application/json"}, body)
    SigV4Auth(credentials, "execute-api", region).add_auth(request)
    response = URLLib3Session().send(request.prepare())
except BotoCoreError as error:
    sys.exit(f"The request cannot be sent: {error}")
print(response.text)
sys.exit(response.status_code != 201)
