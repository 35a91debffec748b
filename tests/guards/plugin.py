"""A pytest plugin that fails a test if it leaks a session token or a function makes a call that its role forbids.

A whole run also fails if a role permits a call that no test made, or if one of the channels was never searched: a
guard that sees nothing finds nothing.
"""

from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

from tests.guards.leaks import LEAKS
from tests.guards.permissions import CALLS
from tools.cloudformation import Permission

# The last three are the emulator's.
CHANNELS = ("requests", "responses", "AWS requests", "AWS responses", "outputs", "log lines", "items", "metrics")


class Guards:
    """The guards of one process; the main process of pytest-xdist adds up the results of its workers."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._tokens = 0
        self._checked: Counter[str] = Counter()
        self._failures: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        for title, text in report.sections:
            if title.endswith(call.when):
                LEAKS.check("outputs", title.lower(), text)
        if problems := dict.fromkeys(LEAKS.take() + CALLS.take()):
            report.outcome = "failed"
            report.longrepr = "\n".join([report.longreprtext, *problems]).strip()
        return report

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        # If a worker crashed, the run has failed already.
        if result := getattr(node, "workeroutput", {}).get("guards"):
            tokens, checked, seen = result
            self._add(tokens, checked)
            CALLS.seen |= {(function, Permission(*permission)) for function, permission in seen}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(self._config, "workeroutput", None)
        seen = [(function, tuple(permission)) for function, permission in CALLS.seen]
        if output is not None:
            output["guards"] = (len(LEAKS.tokens), dict(LEAKS.checked), seen)
            return
        self._add(len(LEAKS.tokens), LEAKS.checked)
        if session.exitstatus == pytest.ExitCode.OK and is_whole(self._config):
            self._failures = CALLS.unused() + [
                f"no {channel} were searched for tokens" for channel in CHANNELS if not self._checked[channel]
            ]
        if self._failures:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        checked = ", ".join(f"{self._checked[channel]} {channel}" for channel in CHANNELS)
        terminalreporter.section("guards")
        terminalreporter.line(f"searched for {self._tokens} session tokens in {checked}")
        if not is_whole(self._config):
            terminalreporter.line("unused permissions were not checked, because only a part of the tests ran")
        for failure in self._failures:
            terminalreporter.line(f"FAILED {failure}", red=True)

    def _add(self, tokens: int, checked: dict[str, int]) -> None:
        self._tokens += tokens
        self._checked.update(checked)


def is_whole(config: pytest.Config) -> bool:
    """Whether all tests run: no argument names some, and no option leaves any out."""
    selecting = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise", "collectonly")
    named = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    return not named and not any(config.getoption(option, default=None) for option in selecting)


def pytest_configure(config: pytest.Config) -> None:
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    LEAKS.install(patch)
    config.pluginmanager.register(Guards(config), "guards")
