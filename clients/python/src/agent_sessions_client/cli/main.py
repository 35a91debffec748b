"""The command `agent-sessions`: its arguments, its verbs and its exit statuses."""

import argparse
import os
import sys
from collections.abc import Sequence

from agent_sessions_client.cli.exit_status import CommandError, ExitStatus
from agent_sessions_client.driver import VERSION
from agent_sessions_client.errors import AgentSessionsError, InvalidSessionError

DESCRIPTION = """\
See every agent that you run, and stop any of them.

Set API_URL to the URL of the service. Requests are signed with AWS credentials from where the aws command finds them.
If API_JWT is set, they carry this access token instead. A service on this machine needs neither. API_AUTH (AWS_IAM, JWT
or NONE) overrides this choice."""

EPILOG = """\
examples:
  agent-sessions ps --watch                         which agents work, wait, or are stuck
  agent-sessions stop "Claude - Project A" "the budget is used up"
  agent-sessions block Claude                       end its sessions and keep it out
  agent-sessions sign-in "Nightly report" --context Sales
  agent-sessions progress working "reading 40 tables" || exit
  agent-sessions setup claude --dry-run             sign in every Claude Code session on this machine

exit status:
  0 done   1 failed   2 wrong arguments   3 no such agent or session, or the session has ended
  4 refused: credentials, or a blocked agent   5 the service is unavailable   6 the owner asks this agent to stop"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="agent-sessions",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    verbs = parser.add_subparsers(title="verbs", dest="verb", metavar="VERB", required=True)

    def verb(name: str, summary: str, details: str = "") -> argparse.ArgumentParser:
        description = f"{summary[0].upper()}{summary[1:]}. {details}".strip()
        added = verbs.add_parser(name, help=summary, description=description)
        if name not in ("setup", "hook"):
            added.add_argument(
                "--json", action="store_true", help="print the API's JSON instead of a table or a sentence"
            )
        return added

    def target(verb: argparse.ArgumentParser, meaning: str) -> None:
        verb.add_argument("target", metavar="TARGET", help=meaning)

    agent_or_session = "an agent's name, or a session's id or its first characters (4 or more), as ps shows them"
    an_agent = 'an agent\'s name ("Claude", "Claude - Project A"), or its id or the first characters of it'

    ps = verb(
        "ps",
        "list live sessions",
        "Agents that wait come first. REPORTED: time since the last progress report; IDLE: since the last use.",
    )
    ps.add_argument(
        "--watch", action="store_true", help="show a live screen; with --json, print a line every 15 seconds"
    )
    verb("agents", "list all agents, online or not")

    sign_in = verb(
        "sign-in",
        "sign an agent in",
        "The session token is kept in a file that only you can read. It is never printed.",
    )
    sign_in.add_argument("name", metavar="NAME", help="name of the agent")
    sign_in.add_argument("--context", help="what the agent works on; the same name and context is the same agent")
    sign_in.add_argument("--exclusive", action="store_true", help="end the agent's other sessions")
    sign_in.add_argument(
        "--metadata", action="append", default=[], metavar="KEY=VALUE", help="such as model=opus; can be repeated"
    )
    sign_in.add_argument("--idle-seconds", type=int, metavar="N", help="end the session after N seconds without use")
    sign_in.add_argument(
        "--lifetime-seconds", type=int, metavar="N", help="end the session after N seconds even if it is in use"
    )
    whoami = verb("whoami", "show the session of this machine, and extend it")
    progress = verb("progress", "report what the agent is doing, and extend its session")
    progress.add_argument(
        "state", choices=("working", "waiting", "idle"), help="waiting: for a person or another system"
    )
    progress.add_argument("activity", nargs="?", help="what the agent is doing, in up to 120 characters")
    sign_out = verb("sign-out", "end the session of this machine")
    for each in (sign_in, whoami, progress, sign_out):
        each.add_argument(
            "--as", dest="label", default="default", metavar="LABEL", help="keep several sessions on this machine apart"
        )

    stop = verb(
        "stop",
        "ask an agent to stop",
        "The agent reads the reason when it next uses its session. To end a session without asking, use `end`.",
    )
    target(stop, agent_or_session)
    stop.add_argument("reason", metavar="REASON", nargs="?", help="why, for the agent to read")
    stop.add_argument("--withdraw", action="store_true", help="withdraw the request")
    end = verb("end", "end sessions", "The agent can sign in again; to prevent that, use `block`.")
    target(end, agent_or_session)
    target(verb("block", "end an agent's sessions, and refuse its sign-ins"), an_agent)
    target(verb("unblock", "let an agent sign in again"), an_agent)

    setup = verb(
        "setup", "sign in every session of a coding agent automatically", "Writes hooks into the agent's settings."
    )
    setup.add_argument("program", choices=("claude", "codex"), help="Claude Code or Codex")
    setup.add_argument("--dry-run", action="store_true", help="show the change without writing it")
    setup.add_argument("--remove", action="store_true", help="remove the hooks")
    setup.add_argument("--name", help="name of the agent (default: Claude Code or Codex)")
    hook = verb("hook", "run by the hooks; reads an event from standard input")
    hook.add_argument("program", choices=("claude", "codex"))
    hook.add_argument("--name")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        if options.verb == "hook":
            from agent_sessions_client.cli import hooks

            # Bytes: JSON is UTF-8, whatever the encoding of the terminal.
            output = hooks.run(options.program, sys.stdin.buffer.read(), options.name)
            sys.stdout.write(f"{output}\n" if output else "")
            return ExitStatus.DONE
        # A hook needs no tables: rich takes as long to import as all of the rest.
        from agent_sessions_client.cli import verbs

        return verbs.run(options)
    except ModuleNotFoundError as error:
        return _fail(f"{error.name} is missing: pip install 'agent-sessions-client[cli]'", ExitStatus.FAILED)
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # Without this, Python writes the rest when it exits, and reports the pipe that `head` has closed again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.FAILED
    except CommandError as error:
        return _fail(str(error), error.status)
    except InvalidSessionError as error:
        return _fail("the stored session has ended; sign in again: agent-sessions sign-in NAME", ExitStatus.of(error))
    except AgentSessionsError as error:
        return _fail(str(error), ExitStatus.of(error))
    except OSError as error:  # of a file: calls of the service raise errors of their own
        return _fail(str(error), ExitStatus.FAILED)


def _fail(sentence: str, status: ExitStatus) -> ExitStatus:
    sys.stderr.write(f"agent-sessions: {sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
