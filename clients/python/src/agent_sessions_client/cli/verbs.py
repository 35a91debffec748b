"""What each verb does."""

import argparse
import difflib
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from rich.console import Console, RenderableType

from agent_sessions_client.auth import url_from_environment
from agent_sessions_client.cli import hooks, screen, setup, store
from agent_sessions_client.cli.exit_status import CommandError, ExitStatus
from agent_sessions_client.cli.targets import TargetError, find_agent, find_sessions
from agent_sessions_client.client import Client
from agent_sessions_client.errors import AgentSessionsError
from agent_sessions_client.models import Session
from agent_sessions_client.session import SignedInSession

# Lines of tables that go to a file or a pipe are not wrapped.
WIDTH_OF_PIPES = 200


def run(options: argparse.Namespace) -> int:
    """Run a verb; return its exit status.

    Raises:
        CommandError: it cannot run.
        AgentSessionsError: a call failed.
    """
    if options.verb == "setup":
        return _setup(options)
    try:
        with Client.from_environment() as client:
            return VERBS[options.verb](client, options)
    except TargetError as error:
        sentence, status = str(error), ExitStatus.NOT_FOUND
    except ValueError as error:  # API_URL, or a label
        sentence, status = str(error), ExitStatus.WRONG_ARGUMENTS
    raise CommandError(sentence, status)


# -- for owners


def _ps(client: Client, options: argparse.Namespace) -> int:
    if options.watch and not options.json:
        if not sys.stdout.isatty():
            raise CommandError(
                "--watch needs a terminal; with --json it writes a line every 15 seconds", ExitStatus.WRONG_ARGUMENTS
            )
        screen.watch(client, Console())
    while options.watch:
        _write({"sessions": [dict(each.body) for each in client.sessions()]}, indent=None)
        time.sleep(screen.REFRESH_SECONDS)
    sessions = list(client.sessions())
    if options.json:
        _write({"sessions": [dict(each.body) for each in sessions]})
    else:
        _show(screen.roster(sessions, screen.now()) if sessions else "No agent is signed in.")
    return 0


def _agents(client: Client, options: argparse.Namespace) -> int:
    found = list(client.agents())
    if options.json:
        _write({"agents": [dict(each.body) for each in found]})
    else:
        _show(screen.agents(found, screen.now()) if found else "There are no agents yet.")
    return 0


def _stop(client: Client, options: argparse.Namespace) -> int:
    if options.withdraw == bool(options.reason):
        raise CommandError("give a REASON for the agent to read, or --withdraw", ExitStatus.WRONG_ARGUMENTS)
    asked = [
        client.withdraw_stop(each.agent_id, each.session_id)
        if options.withdraw
        else client.request_stop(each.agent_id, each.session_id, options.reason)
        for each in find_sessions(client, options.target)
    ]
    done = "Withdrew the request to" if options.withdraw else "Asked"
    return _report(options, asked, (f"{done} {_named(each)} to stop." for each in asked))


def _end(client: Client, options: argparse.Namespace) -> int:
    sessions = find_sessions(client, options.target)
    for each in sessions:
        client.end_session(each.agent_id, each.session_id)
    return _report(options, sessions, (f"Ended {_named(each)}." for each in sessions))


def _block(client: Client, options: argparse.Namespace) -> int:
    agent = client.block(find_agent(client, options.target).agent_id)
    # A session that was being written at that moment ends at a use within the last-seen interval.
    left = f"{agent.active_sessions} of its sessions end within minutes" if agent.active_sessions else ""
    return _report_agent(
        options, dict(agent.body), f"Blocked {agent.display_name}; {left or 'its sessions have ended'}."
    )


def _unblock(client: Client, options: argparse.Namespace) -> int:
    agent = client.unblock(find_agent(client, options.target).agent_id)
    return _report_agent(options, dict(agent.body), f"{agent.display_name} may sign in again.")


# -- for agents


def _sign_in(client: Client, options: argparse.Namespace) -> int:
    metadata = dict(_pair(each) for each in options.metadata)
    before = store.load(options.label)
    session = client.sign_in(
        options.name,
        options.context,
        exclusive=options.exclusive,
        metadata=metadata or None,
        idle_seconds=options.idle_seconds,
        lifetime_seconds=options.lifetime_seconds,
    )
    ends_at = str(session.session.body["ends_at"])
    try:
        store.save(options.label, store.Stored(url_from_environment(), session.session_token, ends_at))
    except OSError as error:
        session.sign_out()  # nobody could use it
        raise CommandError(f"the session cannot be stored, so it was ended: {error}", ExitStatus.FAILED) from None
    if before is not None and before.url == url_from_environment():
        with suppress(AgentSessionsError):  # it also ends by itself
            client.resume(before.session_token, validate=False).sign_out()
    known = "a known agent" if session.reused else "a new agent"
    return _report(options, [session.session], [f"Signed in {_named(session.session)}, {known}."])


def _whoami(client: Client, options: argparse.Namespace) -> int:
    session = _stored(client, options.label).touch()
    if options.json:
        _write(dict(session.body))
    else:
        _show(screen.details(session, screen.now()))
    return ExitStatus.STOP_REQUESTED if session.stop_requested else 0


def _progress(client: Client, options: argparse.Namespace) -> int:
    session = _stored(client, options.label).progress(options.state, options.activity)
    if options.json:
        _write(dict(session.body))
    if session.stop_requested:
        sys.stderr.write(f"agent-sessions: the owner asks this agent to stop: {session.stop_requested.reason}\n")
        return ExitStatus.STOP_REQUESTED
    return 0


def _sign_out(client: Client, options: argparse.Namespace) -> int:
    _stored(client, options.label).sign_out()
    store.delete(options.label)
    if options.json:
        _write({})
    else:
        _show("Signed out.")
    return 0


def _stored(client: Client, label: str) -> SignedInSession:
    stored = store.load(label)
    if stored is None or stored.url != url_from_environment():
        raise CommandError(
            "no session for this API_URL and label is stored on this machine: agent-sessions sign-in NAME",
            ExitStatus.NOT_FOUND,
        )
    return client.resume(stored.session_token, validate=False)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise CommandError(f"--metadata needs KEY=VALUE, not {text!r}", ExitStatus.WRONG_ARGUMENTS)
    return name, value


# -- on this machine


def _setup(options: argparse.Namespace) -> int:
    program = setup.PROGRAMS[options.program]
    path = program.path()
    hook = None
    if not options.remove:
        url_from_environment()
        hook = setup.command(options.program, hooks.environment(), options.name)
    try:
        before = setup.read(path)
        after = setup.with_hooks(options.program, before, hook)
    except setup.SettingsError as error:
        raise CommandError(f"{path}: {error}", ExitStatus.FAILED) from None
    if before == after:
        _show(f"Nothing to change: {path} has {'none of these' if options.remove else 'these'} hooks.")
        return 0
    if options.dry_run:
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(path), str(path), lineterm="")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        return 0
    setup.write(path, after)
    if options.remove:
        _show(f"Removed the hooks from {path}.")
    else:
        _show(f"Wrote the hooks of {program.title} into {path}.\n{program.advice}")
    return 0


VERBS: Mapping[str, Callable[[Client, argparse.Namespace], int]] = {
    "ps": _ps,
    "agents": _agents,
    "stop": _stop,
    "end": _end,
    "block": _block,
    "unblock": _unblock,
    "sign-in": _sign_in,
    "whoami": _whoami,
    "progress": _progress,
    "sign-out": _sign_out,
}


# -- output


def _report(options: argparse.Namespace, sessions: list[Session], sentences: Iterable[str]) -> int:
    if options.json:
        _write({"sessions": [dict(each.body) for each in sessions]})
    else:
        _show("\n".join(sentences))
    return 0


def _report_agent(options: argparse.Namespace, body: dict[str, Any], sentence: str) -> int:
    if options.json:
        _write(body)
    else:
        _show(sentence)
    return 0


def _named(session: Session) -> str:
    return f"{session.display_name} ({session.session_id[: screen.SHORT_ID]})"


def _show(what: RenderableType) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_PIPES, markup=False, highlight=False, emoji=False)
    console.print(what, soft_wrap=isinstance(what, str))


def _write(body: Mapping[str, Any], indent: int | None = 2) -> None:
    sys.stdout.write(json.dumps(body, indent=indent, ensure_ascii=False) + "\n")
    sys.stdout.flush()
