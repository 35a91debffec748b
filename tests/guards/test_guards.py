"""What watches the suite, watched: whatever is planted fails, in a run of its own.

The planted tests are in planted_leaks.py and planted_calls.py, whose names keep them out of all other runs.
"""

import re
from pathlib import Path

import pytest

from tests.guards.plugin import CHANNELS, is_whole
from tools import ROOT

AGENT = "4635ae41-c03a-534d-87c4-05465526a836"
FORMS = ("raw", "base64", "hex", "percent")
PLACES = {
    "in_an_item": "the request dynamodb:PutItem to AWS",
    "in_an_answer_of_aws": "the answer of AWS to dynamodb:ListTables",
    "in_a_metric": "the request cloudwatch:PutMetricData to AWS",
    "on_stdout": "captured stdout call",
    "on_stderr": "captured stderr call",
    "on_stdout_of_another_process": "captured stdout call",
    "in_output_that_a_test_reads": "what was printed",
    "in_the_log_of_a_library": "captured log call",
    "in_the_log_of_a_function": "captured stdout call",
    "in_an_answer": "the answer 200 to GET /agents",
    "in_a_header": "the answer 204 to DELETE /sessions/current",
    "in_an_error": "the answer 401 to GET /sessions/current",
    "beside_the_one_that_is_shown": "the answer 201 to POST /sessions",
    "in_a_url": "the request GET /agents",
    "in_another_header": "the request GET /agents",
    "in_an_exception": "what Lambda logs of the schedule",
    "when_torn_down": "captured stdout teardown",
}
WITHOUT_PERMISSION = {
    "what_it_may_not_do": "sessions may not do dynamodb:Scan on SessionsTable",
    "what_it_may_do_elsewhere": "sessions may not do dynamodb:Query on AgentsTable",
    "a_batch_of_what_it_may_not_write": "agents may not do dynamodb:BatchWriteItem on AgentsTable",
}


def planted(name: str) -> Path:
    return Path(__file__).with_name(f"planted_{name}.py")


def test_every_leak_fails_its_test(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(planted("leaks"), "--quiet")

    told = result.stdout.str()
    expected = [f"{channel}[{form}]" for channel in PLACES for form in FORMS]
    assert [name for name in expected if f" test_{name} _" not in told] == []
    # The test itself of one that leaks when it is torn down passes.
    assert result.parseoutcomes() == {"failed": len(expected) - len(FORMS), "passed": len(FORMS), "errors": len(FORMS)}
    for channel, place in PLACES.items():
        assert told.count(f") is in {place}\n") >= len(FORMS), channel


def test_what_a_function_may_not_do_fails_the_test_in_which_it_does_it(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(planted("calls"))

    result.assert_outcomes(passed=3, failed=len(WITHOUT_PERMISSION))
    for name, forbidden in WITHOUT_PERMISSION.items():
        result.stdout.fnmatch_lines([f"_* test_{name} _*", forbidden])


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite of its own that is watched, and makes a token."""
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
def test_a_whole_run_fails_for_what_nobody_used_and_where_there_was_nothing_to_search(
    suite: pytest.Pytester, processes: str
) -> None:
    result = suite.runpytest_subprocess("--numprocesses", processes)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "1 session tokens were looked for in 0 requests*",
            "FAILED dynamodb:BatchWriteItem on SessionsTable is permitted to sessions, which no test saw it do",
            "FAILED dynamodb:Query on AgentsTable/index/identity_key-index is permitted to agents, which no*",
            "FAILED cloudwatch:PutMetricData on [*] is permitted to activity_report, which no test saw it do",
            *(f"FAILED no {channel} were searched for tokens" for channel in CHANNELS),
        ]
    )
    # What Lambda itself does as the role is no function's.
    result.stdout.no_fnmatch_line("*logs:*")


def test_a_part_of_the_tests_says_what_it_does_not_judge(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess("-k", "it")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["Spare permissions were not looked for: these were not all tests"])


def test_a_leak_in_a_worker_fails_the_run(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess("--numprocesses", "1", "--override-ini", "python_functions=leak")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["a session token (Rj*…) is in captured stdout call"])


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
def test_a_run_is_whole_where_nothing_is_selected(pytester: pytest.Pytester, options: list[str], whole: bool) -> None:
    pytester.makeini("[pytest]\ntestpaths = .")

    assert is_whole(pytester.parseconfig(*options)) is whole


def test_the_run_of_ci_is_whole(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ntestpaths = .")
    recipe = re.search(r"^test:.*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    command, *options = recipe[1].split()
    options.remove("--cov")  # selects nothing, and would begin here and now

    assert command == ".venv/bin/pytest"
    assert is_whole(pytester.parseconfig(*options))
    assert "make test" in (ROOT / ".ci/run").read_text().splitlines()
