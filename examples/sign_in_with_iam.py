"""Sign an agent in with AWS credentials: API_URL=https://… python examples/sign_in_with_iam.py "Claude"."""

import json
import os
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.session import Session

session = Session()
credentials = session.get_credentials() or sys.exit("There are no AWS credentials")
body = json.dumps({"agent_name": sys.argv[1]})
request = AWSRequest("POST", f"{os.environ['API_URL']}/sessions", {"Content-Type": "application/json"}, body)
SigV4Auth(credentials, "execute-api", session.get_config_variable("region")).add_auth(request)
answer = URLLib3Session().send(request.prepare())
print(answer.text)
sys.exit(answer.status_code != 201)
