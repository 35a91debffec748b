"""The command `agent-sessions`: what each verb for agents sends and prints, failures and exit statuses."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from fake_service import ENDED, Run, Service, problem, session, token

from agent_sessions_client.cli import setup
from agent_sessions_client.cli.main import main


def test_agent_signs_in_reports_and_signs_out(run: Run, service: Service, home: Path) -> None:
    signed_in = run("sign-in", "Claude", "--context", "Project A", "--metadata", "model=opus", "--idle-seconds", "600")
    assert signed_in == (0, "Signed in Claude - Project A (d571b74a), a new agent.\n", "")
    assert service.body() == {
        "agent_name": "Claude",
        "context": "Project A",
        "metadata": {"model": "opus"},
        "idle_seconds": 600,
    }
    (file,) = (home / "state/agent-sessions").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("default.json", 0o600)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    assert run("progress", "working", "reading") == (0, "", "")
    assert service.body() == {"state": "working", "activity": "reading"}
    assert "Claude - Project A" in run("whoami")[1]
    assert run("sign-out")[0] == 0
    assert not file.exists()
    assert run("whoami")[0] == 3


def test_no_verb_prints_the_token(run: Run, service: Service) -> None:
    printed = "".join(
        out + err
        for verb in (("sign-in", "Claude"), ("whoami",), ("progress", "idle"), ("sign-out",))
        for options in ((), ("--json",))
        for _, out, err in [run(*verb, *options)]
    )

    assert service.signed_in == 2
    assert token(1) not in printed
    assert token(2) not in printed


def test_labels_keep_sessions_apart(run: Run, service: Service) -> None:
    run("sign-in", "Claude", "--as", "one")
    run("sign-in", "Claude", "--as", "two")
    run("sign-out", "--as", "one")

    assert service.live == {token(2)}
    assert run("whoami", "--as", "two")[0] == 0


def test_sign_in_under_the_same_label_ends_the_session_before(run: Run, service: Service) -> None:
    run("sign-in", "Claude")
    run("sign-in", "Claude")

    assert service.live == {token(2)}


def test_session_before_that_cannot_be_ended_does_not_fail_the_sign_in(run: Run, service: Service) -> None:
    run("sign-in", "Claude")
    signed_in = session(2) | {"session_token": token(2), "reused": True}
    service.planned = [httpx2.Response(201, json=signed_in), *[problem(503, "DatabaseError")] * 2]

    status, out, err = run("sign-in", "Claude")

    assert (status, err) == (0, "")
    assert out.startswith("Signed in Claude")
    assert service.planned == []


def test_label_is_no_path(run: Run, service: Service) -> None:
    status, _, err = run("whoami", "--as", "../x")

    assert (status, service.calls) == (2, [])
    assert "a label has" in err


@pytest.mark.parametrize("verb", [("progress", "working"), ("whoami",)])
def test_stop_request_is_an_exit_status(run: Run, service: Service, verb: tuple[str, ...]) -> None:
    run("sign-in", "Claude")
    service.stop = {"reason": "budget used up", "at": "2026-11-22T16:20:00Z"}

    status, out, err = run(*verb)

    assert status == 6
    assert "budget used up" in out + err


@pytest.mark.parametrize("verb", [("progress", "working"), ("whoami",)])
def test_ended_session_names_the_next_step(run: Run, service: Service, verb: tuple[str, ...]) -> None:
    run("sign-in", "Claude")
    service.planned = [ENDED]

    status, _, err = run(*verb)

    assert status == 3
    assert "sign in again: agent-sessions sign-in NAME" in err


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (problem(401, "InvalidSessionError"), 3),
        (problem(404, "NotFoundError"), 3),
        (problem(403, "AgentBlockedError"), 4),
        (httpx2.Response(403, json={"message": "Forbidden"}), 4),
        (problem(503, "DatabaseError"), 5),
        (httpx2.Response(429, json={"message": "Too Many Requests"}), 5),
        (httpx2.ReadTimeout("no response"), 5),
        (problem(400, "ValidationError"), 1),
        (problem(500, "InternalError"), 1),
    ],
)
def test_failure_is_a_sentence_and_an_exit_status(
    run: Run, service: Service, response: httpx2.Response | Exception, status: int
) -> None:
    service.planned = [response] * 5

    returned, out, err = run("ps")

    assert (returned, out) == (status, "")
    assert err.startswith("agent-sessions: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "status", "sentence"),
    [("", 4, "set API_URL"), ("x", 2, "url must be"), ("http://example.com", 2, "unencrypted")],
)
def test_bad_url_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch, url: str, status: int, sentence: str) -> None:
    monkeypatch.setenv("API_URL", url)

    returned, _, err = run("ps")

    assert returned == status
    assert sentence in err


def test_session_of_another_service_is_not_used(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    run("sign-in", "Claude")
    monkeypatch.setenv("API_URL", "http://127.0.0.1:1")

    assert run("progress", "working")[0] == 3
    assert len(service.calls) == 1


def test_metadata_needs_a_value(run: Run, service: Service) -> None:
    status, _, err = run("sign-in", "Claude", "--metadata", "model")

    assert (status, service.calls) == (2, [])
    assert "--metadata needs KEY=VALUE, not 'model'" in err


def test_damaged_file_is_no_session(run: Run, home: Path) -> None:
    run("sign-in", "Claude")
    (home / "state/agent-sessions/default.json").write_text("{")

    assert run("whoami")[0] == 3


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    project = Path(__file__).parents[1] / "pyproject.toml"
    with pytest.raises(SystemExit):
        main(["--version"])

    version = capsys.readouterr().out.split()[1]
    assert f'version = "{version}"' in project.read_text()


def test_session_that_cannot_be_stored_is_ended(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", os.devnull)

    status, out, err = run("sign-in", "Claude")

    assert (status, out, service.live) == (1, "", set())
    assert err.startswith("agent-sessions: the session cannot be stored, so it was ended: ")
    assert err.count("\n") == 1


def test_output_that_nobody_reads_is_no_traceback(home: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "agent_sessions_client.cli.main", "setup", "claude", "--dry-run"]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(command, env=environ, stdout=writer, stderr=subprocess.PIPE, check=False)  # noqa: S603

    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_file_that_cannot_be_written_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "settings.json")

    monkeypatch.setattr(setup, "write", fail)

    assert run("setup", "claude") == (1, "", "agent-sessions: [Errno 13] Permission denied: 'settings.json'\n")
