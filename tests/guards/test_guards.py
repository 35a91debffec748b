"""The guards find every planted leak and every planted forbidden call.

The planted tests are in planted_leaks.py and planted_calls.py, which pytest collects only if they are named.
"""

import re
from pathlib import Path

import pytest

from tests.guards.plugin import CHANNELS, is_whole
from tools import ROOT

AGENT = "4635ae41-c03a-534d-87c4-05465526a836"
FORMS = ("raw", "base64", "hex", "percent")
# Where each planted test leaks, as the failure describes it.
PLACES = {
    "item": "the request dynamodb:PutItem to AWS",
    "aws_response": "the response of AWS to dynamodb:ListTables",
    "metric": "the request cloudwatch:PutMetricData to AWS",
    "stdout": "captured stdout call",
    "stderr": "captured stderr call",
    "stdout_of_subprocess": "captured stdout call",
    "output_that_test_reads": "printed output",
    "log_of_library": "captured log call",
    "log_of_function": "captured stdout call",
    "response_body": "the 200 response to GET /agents",
    "response_header": "the 204 response to DELETE /sessions/current",
    "error_body": "the 401 response to GET /sessions/current",
    "sign_in_response_beside_its_own_token": "the 201 response to POST /sessions",
    "mcp_result": "the 200 response to POST /mcp",
    "request_url": "the request GET /agents",
    "request_header": "the request GET /agents",
    "exception": "the traceback that Lambda logs for the schedule",
    "teardown": "captured stdout teardown",
}
FORBIDDEN = {
    "forbidden_action": "sessions may not do dynamodb:Scan on SessionsTable",
    "action_permitted_on_another_resource": "sessions may not do dynamodb:Query on AgentsTable",
    "forbidden_batch": "agents may not do dynamodb:BatchWriteItem on AgentsTable",
}


def planted(name: str) -> Path:
    return Path(__file__).with_name(f"planted_{name}.py")


def test_every_planted_leak_fails_its_test(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(planted("leaks"), "--quiet")

    output = result.stdout.str()
    expected = [f"{place}[{form}]" for place in PLACES for form in FORMS]
    assert [name for name in expected if f" test_{name} _" not in output] == []
    # A test that leaks in its teardown passes first.
    assert result.parseoutcomes() == {"failed": len(expected) - len(FORMS), "passed": len(FORMS), "errors": len(FORMS)}
    for name, place in PLACES.items():
        assert output.count(f") is in {place}\n") >= len(FORMS), name


def test_planted_forbidden_call_fails_its_test(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(planted("calls"))

    result.assert_outcomes(passed=3, failed=len(FORBIDDEN))
    for name, failure in FORBIDDEN.items():
        result.stdout.fnmatch_lines([f"_* test_{name} _*", failure])


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A small suite under the guards, whose one test makes a token."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'layers/agent_sessions'}")
    pytester.makeini("[pytest]\ntestpaths = .\naddopts = -p tests.guards.plugin")
    pytester.makepyfile(
        f"""
        from agent_sessions.domain.tokens import SessionToken

        def test_it(): SessionToken.mint("{AGENT}")

        def leak(): print(SessionToken.mint("{AGENT}").secret)
        """
    )
    return pytester


@pytest.mark.parametrize("processes", ["0", "1"])
def test_whole_run_fails_for_unused_permissions_and_unsearched_channels(suite: pytest.Pytester, processes: str) -> None:
    result = suite.runpytest_subprocess("--numprocesses", processes)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "searched for 1 session tokens in 0 requests*",
            "FAILED sessions has dynamodb:BatchWriteItem on SessionsTable, which no test used",
            "FAILED agents has dynamodb:Query on AgentsTable/index/identity_key-index, which no test used",
            "FAILED activity_report has cloudwatch:PutMetricData on [*], which no test used",
            *(f"FAILED no {channel} were searched for tokens" for channel in CHANNELS),
        ]
    )
    # Lambda itself uses the permissions for logs.
    result.stdout.no_fnmatch_line("*logs:*")


def test_partial_run_says_that_permissions_were_not_checked(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess("-k", "it")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["unused permissions were not checked, because only a part of the tests ran"])


def test_leak_in_worker_fails_run(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess("--numprocesses", "1", "--override-ini", "python_functions=leak")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["a session token (ags_*…) is in captured stdout call"])


@pytest.mark.parametrize(
    ("options", "whole"),
    [
        ([], True),
        (["--numprocesses", "2", "-x", "--ff"], True),
        (["-p", "no:cacheprovider"], True),
        (["."], False),
        (["test_it.py::test_it"], False),
        (["-k", "it"], False),
        (["-m", "slow"], False),
        (["--deselect", "test_it.py::test_it"], False),
        (["--ignore", "test_it.py"], False),
        (["--ignore-glob", "*"], False),
        (["--lf"], False),
        (["--sw"], False),
        (["--collect-only"], False),
    ],
    ids=str,
)
def test_run_is_whole_unless_tests_are_selected(pytester: pytest.Pytester, options: list[str], whole: bool) -> None:
    pytester.makeini("[pytest]\ntestpaths = .")

    assert is_whole(pytester.parseconfig(*options)) is whole


def test_run_of_ci_is_whole(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ntestpaths = .")
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.search(r"^test:.*\n\t(.*)$", makefile, re.MULTILINE)
    parallel = re.search(r"^PARALLEL = (.*)$", makefile, re.MULTILINE)
    assert recipe
    assert parallel
    command, *options = recipe[1].replace("$(PARALLEL)", parallel[1]).split()
    options.remove("--cov")  # selects no tests, and would start here and now

    assert command == ".venv/bin/pytest"
    assert is_whole(pytester.parseconfig(*options))
    assert "make test" in (ROOT / ".ci/run").read_text().splitlines()
