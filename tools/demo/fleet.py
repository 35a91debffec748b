"""Agents that stay signed in, for the roster and for the dashboard, and that work for a while."""

import random
import time

from agent_sessions_client import Client, InvalidSessionError, SignedInSession, State

from tools.demo.walkthrough import explained, heading

# Each with its number of sessions; none is the agent of the walkthrough.
FLEET = {
    ("Claude", "Project B"): 2,
    ("Claude", "Website"): 1,
    ("Codex", "Project A"): 1,
    ("Gemini", "Release notes"): 3,
    ("Support triage", "Tickets"): 1,
    ("Nightly report", None): 1,
}
# What an agent of the fleet does next, by weight. It validates a bad token once in a while.
ACTIONS = {"report": 12, "validate": 4, "sign in": 3, "sign out": 3, "look up": 2, "bad token": 1}
REPORTS: list[tuple[State, str]] = [
    ("working", "running the tests"),
    ("working", "reading 40 files"),
    ("working", "writing the summary"),
    ("waiting", "for a permission"),
    ("idle", "done"),
]
PAUSE_SECONDS = 0.4

FINAL_STATE = """\
{agents} agents are signed in, with {sessions} sessions; an unused session ends after 30 minutes.

make ps          shows them on a live screen
make dashboard   draws the dashboard, with these agents in it
make stop        ends the service and deletes its data"""


def run(url: str, minutes: float) -> None:
    """Sign the fleet in, let it work, and print how many agents are live; raises LocalError if a call fails."""
    with explained(url), Client(url) as client:
        keep_working(client, start(client), minutes)
        agents = [client.find_agent(*each) for each in FLEET]
        live = [each for each in agents if each is not None and each.online]
        print(FINAL_STATE.format(agents=len(live), sessions=sum(each.active_sessions or 0 for each in live)))


def start(client: Client) -> list[SignedInSession]:
    """Sign every agent of the fleet in, and let it report; return its sessions."""
    heading(f"{len(FLEET)} agents sign in, and stay")
    sessions = []
    for (agent_name, context), count in FLEET.items():
        print(f"  {agent_name}{f' - {context}' if context else ''}: {count} session{'s' if count > 1 else ''}")
        for _ in range(count):
            sessions.append(client.sign_in(agent_name, context))
            report(sessions[-1])
    print()
    return sessions


def keep_working(client: Client, sessions: list[SignedInSession], minutes: float) -> None:
    """Let the fleet report, validate, sign in and sign out for some minutes; every agent keeps a session."""
    if not minutes:
        return
    heading(f"They keep working for {minutes:g} minutes")
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        act(client, sessions)
        time.sleep(random.uniform(0, 2 * PAUSE_SECONDS))  # noqa: S311
    print()


def act(client: Client, sessions: list[SignedInSession]) -> None:
    """Let one agent do something."""
    session = random.choice(sessions)  # noqa: S311  not for secrets
    (action,) = random.choices(list(ACTIONS), list(ACTIONS.values()))  # noqa: S311
    if session.stop_requested and sum(each.agent_id == session.agent_id for each in sessions) > 1:
        action = "sign out"
    match action:
        case "report":
            report(session)
        case "validate":
            session.touch()
        case "sign in":
            sessions.append(client.sign_in(session.session.agent_name, session.session.context))
        case "sign out" if sum(each.agent_id == session.agent_id for each in sessions) > 1:
            session.sign_out()
            sessions.remove(session)
        case "look up":
            client.agent(session.agent_id)
        case "bad token":
            try:
                client.resume("not-a-token")
            except InvalidSessionError:
                return


def report(session: SignedInSession) -> None:
    """Let an agent report what it does."""
    state, activity = random.choice(REPORTS)  # noqa: S311
    session.progress(state, activity)
