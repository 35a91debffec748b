"""`make deploy` checks everything that it can before it builds, and then asks nothing that has a default."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import botocore.session
import pytest
from pytest_socket import enable_socket

from tests.tools.checkout import Checkout, sentence
from tools import deploy

pytestmark = pytest.mark.slow  # most start make, and its Python botocore

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example",
    "AWS_EC2_METADATA_DISABLED": "true",
}
REGION = {"AWS_DEFAULT_REGION": "eu-west-1"}
API = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::111122223333:user/ada</Arn><UserId>AIDA</UserId><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
STACK = """<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks>
<member><StackName>x</StackName><Outputs>{outputs}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"""
OUTPUT = f"<member><OutputKey>ApiUrl</OutputKey><OutputValue>{API}</OutputValue></member>"
EXPIRED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error>
</ErrorResponse>"""

NO_RESOURCE = """<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type>
<Code>ValidationError</Code><Message>Resource Operations does not exist</Message></Error></ErrorResponse>"""


class Aws:
    """STS and CloudFormation, as far as `make deploy` asks them itself."""

    def __init__(self) -> None:
        self.identity = (200, IDENTITY)
        self.outputs = OUTPUT
        aws = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                responses = {
                    "GetCallerIdentity": aws.identity,
                    "DescribeStackResource": (400, NO_RESOURCE),
                    "DescribeStacks": (200, STACK.format(outputs=aws.outputs)),
                }
                status, text = responses[form["Action"][0]]
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def aws() -> Iterator[Aws]:
    enable_socket()
    aws = Aws()
    thread = threading.Thread(target=aws.server.serve_forever, daemon=True)
    thread.start()
    yield aws
    aws.server.shutdown()
    aws.server.server_close()
    thread.join()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    checkout = Checkout.make(tmp_path)
    checkout.install("sam")
    return checkout


def sam_calls(checkout: Checkout) -> list[str]:
    file = checkout.folder / "sam.txt"
    return file.read_text().splitlines() if file.exists() else []


# -- before anything is built


def test_deploy_without_credentials_is_refused(checkout: Checkout) -> None:
    said = sentence(checkout.run("deploy", AWS_EC2_METADATA_DISABLED="true", **REGION))

    assert said == (
        "make deploy: there are no AWS credentials: sign in with `aws sso login` or `aws configure`, or set AWS_PROFILE"
    )
    assert sam_calls(checkout) == []


def test_deploy_with_expired_credentials_is_refused(checkout: Checkout, aws: Aws) -> None:
    aws.identity = (403, EXPIRED)

    said = sentence(checkout.run("deploy", AWS_ENDPOINT_URL=aws.url, **CREDENTIALS, **REGION))

    assert said.startswith("make deploy: AWS refuses the credentials (ExpiredToken): sign in with")
    assert sam_calls(checkout) == []


def test_deploy_with_an_unknown_profile_is_refused(checkout: Checkout) -> None:
    said = sentence(checkout.run("deploy", AWS_PROFILE="nobody", **REGION))

    assert said.startswith("make deploy: The config profile (nobody) could not be found: sign in with")


def test_deploy_without_a_connection_to_aws_is_refused(checkout: Checkout) -> None:
    nobody_listens = "http://127.0.0.1:9"

    said = sentence(checkout.run("deploy", AWS_ENDPOINT_URL=nobody_listens, **CREDENTIALS, **REGION))

    assert said.startswith("make deploy: the AWS credentials cannot be checked: Could not connect to the endpoint URL")


def test_deploy_without_a_region_is_refused(checkout: Checkout) -> None:
    said = sentence(checkout.run("deploy", **CREDENTIALS))

    assert said == (
        "make deploy: there is no region: name one, as in `make deploy REGION=eu-west-1`, or set AWS_REGION"
    )


WRONG = [
    ("PARAMETERS", "ApiAut=JWT", "there is no parameter ApiAut; did you mean ApiAuth?"),
    ("PARAMETERS", "Zzz=1", "there is no parameter Zzz; template.yaml lists them all"),
    ("PARAMETERS", "ApiAuth=jwt", "ApiAuth=jwt is refused: it must be one of AWS_IAM, JWT, NONE"),
    ("PARAMETERS", "ApiAuth", "PARAMETERS must be Name=value, separated by spaces, and 'ApiAuth' has no value"),
    ("PARAMETERS", "ApiAuth='JWT", "PARAMETERS cannot be read (No closing quotation): ApiAuth='JWT"),
    ("STACK", "my_stack", "STACK must be a letter, then up to 127 letters, digits or hyphens, not 'my_stack'"),
    ("STACK", "1st", "STACK must be a letter, then up to 127 letters, digits or hyphens, not '1st'"),
]


@pytest.mark.parametrize(("variable", "value", "reason"), WRONG)
def test_wrong_variable_is_refused(variable: str, value: str, reason: str) -> None:
    with pytest.raises(deploy.DeployError) as refused:
        deploy.Deployment.read({variable: value, "REGION": "eu-west-1"}, {}, botocore.session.Session())

    assert str(refused.value) == reason


@pytest.mark.parametrize("form", ["argument", "environment"])
def test_wrong_variable_of_make_is_refused(checkout: Checkout, form: str) -> None:
    variable, value, reason = WRONG[0]
    done = (
        checkout.run("deploy", f"{variable}={value}")
        if form == "argument"
        else checkout.run("deploy", **{variable: value})
    )

    assert sentence(done) == f"make deploy: {reason}"
    assert sam_calls(checkout) == []


@pytest.mark.parametrize(
    ("parameter", "value", "reason"),
    [
        ({"Type": "String", "AllowedValues": ["1", 3]}, "3", None),
        ({"Type": "String", "AllowedValues": ["1", 3]}, "2", "one of 1, 3"),
        ({"Type": "String", "AllowedPattern": "[0-9]+"}, "90.5", "text that matches [0-9]+"),
        ({"Type": "String", "AllowedPattern": "[0-9]+"}, "90", None),
        ({"Type": "String", "AllowedPattern": "[0-9]+", "ConstraintDescription": "seconds"}, "1e3", "seconds"),
        ({"Type": "String"}, "", None),
    ],
)
def test_value_is_checked_as_cloudformation_does(parameter: dict[str, Any], value: str, reason: str | None) -> None:
    assert deploy.refusal(parameter, value) == reason


# -- the arguments of SAM CLI


@pytest.mark.parametrize(
    ("value", "argument"), [("JWT", 'N="JWT"'), ("", 'N=""'), ("a b", 'N="a b"'), ('"a" b', r'N="\"a\" b"')]
)
def test_parameter_is_quoted_for_sam(value: str, argument: str) -> None:
    assert deploy.quoted("N", value) == argument


def test_deploy_uses_defaults(checkout: Checkout, aws: Aws) -> None:
    done = checkout.run("deploy", AWS_ENDPOINT_URL=aws.url, **CREDENTIALS, **REGION)

    assert (done.returncode, done.stderr) == (0, "")
    build, deployment = sam_calls(checkout)
    assert build == "build"
    assert deployment == (
        "deploy --stack-name agent-sessions --region eu-west-1 --no-fail-on-empty-changeset --no-confirm-changeset "
        '--parameter-overrides GradualDeployment="true"'
    )
    assert done.stdout.splitlines()[0] == (
        "Deploying the stack agent-sessions to eu-west-1 as arn:aws:iam::111122223333:user/ada"
    )
    assert done.stdout.splitlines()[-1] == f"  export API_URL='{API}'"


def test_deploy_uses_its_variables(checkout: Checkout, aws: Aws) -> None:
    parameters = "ApiAuth=JWT JwtIssuer='https://issuer.example/a b' GradualDeployment=false"
    done = checkout.run(
        *("deploy", "STACK=staging", "REGION=us-east-2", f"PARAMETERS={parameters}"),
        **{"AWS_ENDPOINT_URL": aws.url} | CREDENTIALS | REGION,
    )

    assert done.returncode == 0, done.stderr
    assert sam_calls(checkout)[1] == (
        "deploy --stack-name staging --region us-east-2 --no-fail-on-empty-changeset --no-confirm-changeset "
        '--parameter-overrides GradualDeployment="false" ApiAuth="JWT" JwtIssuer="https://issuer.example/a b"'
    )


def test_deploy_follows_samconfig(checkout: Checkout, aws: Aws) -> None:
    (checkout.folder / "samconfig.toml").write_text(
        "[default.deploy.parameters]\n"
        'stack_name = "ours"\nregion = "ap-south-1"\nparameter_overrides = ["ApiAuth=NONE", "LogLevel=\\"DEBUG\\""]\n'
    )

    assert checkout.run("deploy", AWS_ENDPOINT_URL=aws.url, **CREDENTIALS).returncode == 0
    assert sam_calls(checkout)[1] == (
        "deploy --stack-name ours --region ap-south-1 --no-fail-on-empty-changeset --no-confirm-changeset "
        '--parameter-overrides ApiAuth="NONE" LogLevel="DEBUG"'
    )


@pytest.mark.parametrize(("value", "guided"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_variable_makes_the_deployment_guided(value: str, guided: bool) -> None:
    environ = {"GUIDED": value, "REGION": "eu-west-1"}

    assert deploy.Deployment.read(environ, {}, botocore.session.Session()).guided is guided


def test_guided_deploy_asks(checkout: Checkout, aws: Aws) -> None:
    done = checkout.run("deploy", "GUIDED=1", AWS_ENDPOINT_URL=aws.url, **CREDENTIALS, **REGION)

    assert done.returncode == 0, done.stderr
    assert "--guided" in sam_calls(checkout)[1]
    assert "confirm-changeset" not in sam_calls(checkout)[1]


def test_sam_finds_a_python_with_pip_first(checkout: Checkout, aws: Aws) -> None:
    checkout.run("deploy", AWS_ENDPOINT_URL=aws.url, **CREDENTIALS, **REGION)

    environ = (checkout.folder / "sam-environ.txt").read_text()
    assert re.search(rf"^PATH={checkout.folder}/.venv/bin:", environ, re.MULTILINE)
    assert not re.search(r"^PYTHON(PATH)?=", environ, re.MULTILINE)


# -- after SAM CLI


def test_failed_build_is_not_deployed(checkout: Checkout, aws: Aws) -> None:
    checkout.script(".envs/sam/bin/sam", f'echo "$@" >> {checkout.folder}/sam.txt; echo Error: no pip >&2; exit 3')

    done = checkout.run("deploy", AWS_ENDPOINT_URL=aws.url, **CREDENTIALS, **REGION)

    assert done.returncode == 2
    assert done.stderr.splitlines()[:2] == [
        "Error: no pip",
        "make deploy: sam build failed with status 3; its last lines give the reason",
    ]
    assert sam_calls(checkout) == ["build"]


def test_declined_change_set_prints_no_url(checkout: Checkout, aws: Aws) -> None:
    aws.outputs = ""

    done = checkout.run("deploy", AWS_ENDPOINT_URL=aws.url, **CREDENTIALS, **REGION)

    assert done.returncode == 0
    assert "API_URL" not in done.stdout
