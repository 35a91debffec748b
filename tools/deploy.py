"""`make deploy`: build template.yaml and deploy it to AWS with SAM CLI, after everything that can be checked first.

It reads the variables STACK, REGION, PARAMETERS and GUIDED, and samconfig.toml for those that are not set.
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from tools import ROOT
from tools.cloudformation import PARAMETERS

BIN = ROOT / ".envs/sam/bin"
STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")  # as CreateStack requires
SIGN_IN = "sign in with `aws sso login` or `aws configure`, or set AWS_PROFILE"


class DeployError(Exception):
    """The deployment cannot start, or failed; the message gives the reason and what to do."""


@dataclass(frozen=True)
class Deployment:
    """What to deploy, and where."""

    stack: str
    region: str
    parameters: dict[str, str]  # those that the deployment sets; others keep their value
    guided: bool

    @classmethod
    def read(
        cls, environ: Mapping[str, str], samconfig: Mapping[str, Any], session: botocore.session.Session
    ) -> "Deployment":
        """Read the variables; raises DeployError if one is missing or wrong."""
        stack = environ.get("STACK") or samconfig.get("stack_name", "agent-sessions")
        if not STACK_NAME.fullmatch(stack):
            raise DeployError(f"STACK must be a letter, then up to 127 letters, digits or hyphens, not {stack!r}")
        own = parse_parameters(environ.get("PARAMETERS", ""))
        check_parameters(own)
        region = (
            environ.get("REGION")
            or environ.get("AWS_REGION")
            or samconfig.get("region")
            or session.get_config_variable("region")
        )
        if not region:
            raise DeployError("there is no region: name one, as in `make deploy REGION=eu-west-1`, or set AWS_REGION")
        configured = samconfig.get("parameter_overrides", "")
        text = configured if isinstance(configured, str) else " ".join(configured)
        return cls(stack, region, parse_parameters(text) | own, environ.get("GUIDED", "") not in ("", "0"))


def parse_parameters(text: str) -> dict[str, str]:
    """Return parameters from "Name=value Other='two words'"; raises DeployError if one has no "="."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise DeployError(f"PARAMETERS cannot be read ({error}): {text}") from None
    for word in words:
        if "=" not in word:
            raise DeployError(f"PARAMETERS must be Name=value, separated by spaces, and {word!r} has no value")
    return dict(word.split("=", 1) for word in words)


def check_parameters(parameters: Mapping[str, str]) -> None:
    """Raise DeployError if template.yaml has no such parameter, or refuses the value.

    CloudFormation would refuse it too, but only after minutes, and SAM CLI silently drops unknown names.
    """
    for name, value in parameters.items():
        if name not in PARAMETERS:
            near = difflib.get_close_matches(name, PARAMETERS, 1)
            hint = f"; did you mean {near[0]}?" if near else "; template.yaml lists them all"
            raise DeployError(f"there is no parameter {name}{hint}")
        if reason := refusal(PARAMETERS[name], value):
            raise DeployError(f"{name}={value} is refused: it must be {reason}")


def refusal(parameter: Mapping[str, Any], value: str) -> str | None:
    """Return what the value of a parameter must be, or None if it is that."""
    if (allowed := parameter.get("AllowedValues")) and value not in [str(each) for each in allowed]:
        return f"one of {', '.join(str(each) for each in allowed)}"
    if (pattern := parameter.get("AllowedPattern")) and not re.fullmatch(pattern, value):
        return str(parameter.get("ConstraintDescription") or f"text that matches {pattern}")
    return None


def open_session(profile: str | None) -> botocore.session.Session:
    """Return a session of a profile; raises DeployError if there is no such profile."""
    session = botocore.session.Session(profile=profile)
    try:
        session.get_scoped_config()
    except ProfileNotFound as error:
        raise DeployError(f"{first_line(error)}: {SIGN_IN}") from None
    return session


def check_credentials(session: botocore.session.Session, region: str) -> str:
    """Return the ARN of the caller; raises DeployError if AWS does not accept the credentials."""
    try:
        if session.get_credentials() is None:
            raise DeployError(f"there are no AWS credentials: {SIGN_IN}")
        config = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
        sts: Any = session.create_client("sts", region_name=region, config=config)
        arn: str = sts.get_caller_identity()["Arn"]
    except ClientError as error:
        raise DeployError(f"AWS refuses the credentials ({error.response['Error']['Code']}): {SIGN_IN}") from None
    except BotoCoreError as error:
        raise DeployError(f"the AWS credentials cannot be checked: {first_line(error)}") from None
    return arn


def refuse_old_stack(session: botocore.session.Session, deployment: Deployment) -> None:
    """Raise DeployError if the stack is of version 0.1: CloudFormation would fail halfway on names that collide."""
    cloudformation: Any = session.create_client("cloudformation", region_name=deployment.region)
    try:
        cloudformation.describe_stack_resource(StackName=deployment.stack, LogicalResourceId="Operations")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # no such stack, or no such resource in it
            return
        raise
    raise DeployError(
        f"the stack {deployment.stack} is of version 0.1, which cannot be updated: delete it first, or deploy "
        "beside it with STACK=another-name"
    )


def deploy(deployment: Deployment, profile: str | None) -> None:
    """Build and deploy; raises DeployError if SAM CLI fails, which has printed why."""
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "PYTHONPATH")}
    # The Python of .venv has pip, with which SAM CLI and the layer's Makefile install.
    environ["PATH"] = f"{ROOT}/.venv/bin{os.pathsep}{environ['PATH']}"
    if profile:
        environ["AWS_PROFILE"] = profile
    sam(["build"], environ)
    arguments = ["deploy", "--stack-name", deployment.stack, "--region", deployment.region]
    if deployment.guided:
        arguments.append("--guided")
    else:
        arguments.append("--no-fail-on-empty-changeset")  # a second deployment of the same version is no failure
        if not sys.stdin.isatty():
            arguments.append("--no-confirm-changeset")  # nobody could confirm
    if deployment.parameters:
        arguments += ["--parameter-overrides", *(quoted(*each) for each in deployment.parameters.items())]
    sam(arguments, environ)


def sam(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run SAM CLI in this terminal."""
    if status := subprocess.run([BIN / "sam", *arguments], cwd=ROOT, env=environ, check=False).returncode:
        raise DeployError(f"sam {arguments[0]} failed with status {status}; its last lines give the reason")


def quoted(name: str, value: str) -> str:
    """Return a parameter as SAM CLI reads it; it unescapes quotation marks, but not backslashes."""
    escaped = value.replace('"', '\\"')
    return f'{name}="{escaped}"'


def api_url(session: botocore.session.Session, deployment: Deployment) -> str | None:
    """Return the URL of the deployed API, or None if the stack has none, because its change set was declined."""
    cloudformation: Any = session.create_client("cloudformation", region_name=deployment.region)
    (stack,) = cloudformation.describe_stacks(StackName=deployment.stack)["Stacks"]
    urls = [each["OutputValue"] for each in stack.get("Outputs", []) if each["OutputKey"] == "ApiUrl"]
    return urls[0] if urls else None


def read_samconfig() -> dict[str, Any]:
    """Return the settings of `sam deploy` in samconfig.toml."""
    default = tomllib.loads((ROOT / "samconfig.toml").read_text()).get("default", {})
    sections = (default.get(command, {}).get("parameters", {}) for command in ("global", "deploy"))
    return {name: value for section in sections for name, value in section.items()}


def first_line(error: Exception) -> str:
    """Return the beginning of a message without its full stop."""
    return str(error).strip().partition("\n")[0].rstrip(".")


def main() -> int:
    """Check, build and deploy; print one sentence and return 1 if that fails."""
    try:
        samconfig = read_samconfig()
        profile = os.environ.get("AWS_PROFILE") or samconfig.get("profile")
        session = open_session(profile)
        deployment = Deployment.read(os.environ, samconfig, session)
        arn = check_credentials(session, deployment.region)
        refuse_old_stack(session, deployment)
        print(f"Deploying the stack {deployment.stack} to {deployment.region} as {arn}", flush=True)
        deploy(deployment, profile)
        url = None if deployment.guided else api_url(session, deployment)
    except (DeployError, BotoCoreError, ClientError, tomllib.TOMLDecodeError) as error:
        print(f"make deploy: {first_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("make deploy: interrupted; CloudFormation finishes a change set that it has begun", file=sys.stderr)
        return 130
    if url:
        print(f"\nTo call the service, paste this line and follow docs/authentication.md:\n\n  export API_URL='{url}'")
    return 0


if __name__ == "__main__":
    sys.exit(main())
