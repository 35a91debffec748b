"""The examples: the document links to each and runs it, and each reports in one sentence what is missing."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import ROOT

EXAMPLES = ROOT / "examples"
DOCUMENT = (ROOT / "docs/authentication.md").read_text()
URL = "http://127.0.0.1:9"  # nobody listens there
REFUSED = errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)
AWS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalr/example+key=",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
ISSUER = {"TOKEN_URL": f"{URL}/token", "CLIENT_ID": "worker", "CLIENT_SECRET": "example"}


def run(name: str, *arguments: str, path: str = os.defpath, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run an example with nothing but the given variables."""
    program = "/bin/sh" if name.endswith(".sh") else sys.executable
    environ = {"PATH": path, "HOME": "/nowhere"} | variables
    command = [program, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("sign_in_*")), ids=lambda path: path.name)
def test_document_links_to_the_example_and_runs_it(path: Path) -> None:
    assert f"(../examples/{path.name})" in DOCUMENT
    assert re.search(rf"^(python3|sh) examples/{path.name} Claude", DOCUMENT, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sign_in_with_iam.py", "sign_in_with_iam.sh"])
@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        ([], {"API_URL": URL} | AWS, r"Give the name of the agent: (python|sh) examples/\S+ NAME"),
        (["Claude", "Code"], {"API_URL": URL} | AWS, r"Give the name of the agent: (python|sh) examples/\S+ NAME"),
        (["Claude"], AWS, r"Set API_URL to the URL of the service: the stack output ApiUrl\."),
        (["Claude"], {"API_URL": ""} | AWS, r"Set API_URL to the URL of the service: the stack output ApiUrl\."),
        (
            ["Claude"],
            {"API_URL": URL} | AWS | {"AWS_DEFAULT_REGION": ""},
            r"Set AWS_DEFAULT_REGION to the region of the service\.",
        ),
        (
            ["Claude"],
            {"API_URL": URL, "AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"},
            r"(Set AWS_PROFILE, or sign in with `aws sso login`\.)|(Set the credentials first: .*)",
        ),
        (["Claude"], {"API_URL": URL} | AWS, r"(The request cannot be sent: .*)|(curl: \(7\) Failed to connect .*)"),
    ],
    ids=["no name", "two names", "no URL", "empty URL", "no region", "no credentials", "no service"],
)
def test_iam_example_reports_what_is_missing(
    name: str, arguments: list[str], variables: dict[str, str], sentence: str
) -> None:
    done = run(name, *arguments, **variables)

    assert done.returncode != 0
    assert done.stdout == ""
    assert re.fullmatch(sentence, done.stderr.strip()), done.stderr


@pytest.mark.slow
def test_iam_example_names_an_unknown_profile() -> None:
    done = run("sign_in_with_iam.py", "Claude", API_URL=URL, AWS_PROFILE="nobody")

    assert done.returncode != 0
    assert done.stderr == "The request cannot be sent: The config profile (nobody) could not be found\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        ([], {"API_URL": URL} | ISSUER, "Give the name of the agent, then the parameters of your issuer."),
        (["Claude"], {}, "Set API_URL, TOKEN_URL, CLIENT_ID, CLIENT_SECRET, as docs/authentication.md describes."),
        (["Claude"], ISSUER, "Set API_URL, as docs/authentication.md describes."),
        (
            ["Claude", "audience"],
            {"API_URL": URL} | ISSUER,
            "Give the parameters of your issuer as NAME=VALUE, not audience.",
        ),
        (
            ["Claude"],
            {"API_URL": URL} | ISSUER,
            f"{URL}/token does not respond with a JSON object: <urlopen error {ConnectionRefusedError(*REFUSED)}>",
        ),
        (
            ["Claude"],
            {"API_URL": URL} | ISSUER | {"TOKEN_URL": "token.example"},
            "token.example does not respond with a JSON object: unknown url type: 'token.example'",
        ),
    ],
    ids=["no name", "no variables", "no URL", "no value", "no issuer", "no scheme"],
)
def test_jwt_example_reports_what_is_missing(arguments: list[str], variables: dict[str, str], sentence: str) -> None:
    done = run("sign_in_with_jwt.py", *arguments, **variables)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{sentence}\n")


@pytest.mark.slow
def test_shell_example_reports_a_missing_curl() -> None:
    done = run("sign_in_with_iam.sh", "Claude", path="/nowhere", API_URL=URL, **AWS)

    assert (done.returncode, done.stderr) == (1, "Install curl 7.76 or newer.\n")


# -- the request of the shell example, as curl gets it


@pytest.fixture
def curl(tmp_path: Path) -> Path:
    """A folder with a curl that writes its arguments and its standard input to files, and with sed."""
    program = tmp_path / "curl"
    program.write_text(f'#!/bin/sh\nprintf "%s\\0" "$@" > {tmp_path}/arguments\n/bin/cat > {tmp_path}/input\n')
    program.chmod(0o755)
    (tmp_path / "sed").symlink_to(shutil.which("sed") or "sed")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "Claude",
        'Claude "Opus"',
        '"',
        "\\",
        'x", "exclusive": true, "context": "',
        'x\\", "exclusive": true, "context": "',
        "$(id) `id` $HOME %s \\n '",
        "".join(chr(code) for code in range(32, 127)),
        "-d @/etc/passwd",
        "Zoë 名前 🤖",
    ],
)
def test_shell_example_sends_exactly_the_name(name: str, curl: Path) -> None:
    done = run("sign_in_with_iam.sh", name, path=str(curl), API_URL=f"{URL}/", **AWS)

    assert (done.returncode, done.stderr) == (0, "")
    arguments = (curl / "arguments").read_text().split("\0")
    assert json.loads(arguments[arguments.index("--data") + 1]) == {"agent_name": name}
    assert f"{URL}/sessions" in arguments


@pytest.mark.slow
@pytest.mark.parametrize("session_token", [None, "IQoJb3JpZ2luX2VjEXAMPLE=="])
def test_shell_example_hides_the_credentials_from_other_users(curl: Path, session_token: str | None) -> None:
    variables = AWS | ({"AWS_SESSION_TOKEN": session_token} if session_token else {})
    run("sign_in_with_iam.sh", "Claude", path=str(curl), API_URL=URL, **variables)

    config = f'user = "{AWS["AWS_ACCESS_KEY_ID"]}:{AWS["AWS_SECRET_ACCESS_KEY"]}"\n'
    config += f'header = "X-Amz-Security-Token: {session_token}"\n' if session_token else ""
    assert (curl / "input").read_text() == config
    arguments = (curl / "arguments").read_text()
    assert not any(secret in arguments for secret in (AWS["AWS_SECRET_ACCESS_KEY"], "X-Amz-Security-Token"))
