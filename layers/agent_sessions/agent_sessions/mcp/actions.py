"""What each tool does: services called on behalf of an owner, and a message that describes what to do next."""

from agent_sessions.http.response_models import presence_body, session_body, signed_in_body
from agent_sessions.mcp.arguments import (
    CheckInArguments,
    EndSessionsArguments,
    FindAgentArguments,
    ListSessionsArguments,
    SignInArguments,
    SignOutArguments,
    WhoamiArguments,
)
from agent_sessions.mcp.results import AGENT, PRESENCE, SESSION, SIGNED_IN, Result, reduced
from agent_sessions.mcp.services import Services

AGAIN = "The agent can sign in again, unless a person blocks it with the HTTP API or the command line."


def sign_in(services: Services, arguments: SignInArguments) -> Result:
    """Sign in; return the token only if it is asked for."""
    request = arguments.model_dump(exclude={"return_token"})
    signed_in = services.sessions.sign_in(services.owner, **request)
    body = signed_in_body(signed_in)
    result = reduced(body, SIGNED_IN)
    if arguments.return_token:
        result["session_token"] = body["session_token"]
    known = "recognised" if signed_in.reused else "new"
    result["message"] = (
        f"Signed in as {body['display_name']} ({known}). Keep `session` and pass it to check_in at least every "
        f"{_duration(signed_in.session.idle_seconds)}, and to sign_out when you are done."
    )
    return result


def check_in(services: Services, arguments: CheckInArguments) -> Result:
    """Validate a session, and record what its agent reports, if anything."""
    handle = services.handle(arguments.session)
    # Models send null for what they leave out, so it removes nothing here.
    progress = arguments.model_dump(include={"state", "activity"}, exclude_none=True)
    sessions = services.sessions
    session = sessions.report_progress(handle, progress) if progress else sessions.validate(handle)
    result = reduced(session_body(session), SESSION)
    if session.stop_requested is None:
        result["message"] = f"The session is live until {result['expires_at']}, and longer if you check in before."
    else:
        result["message"] = (
            f"Your owner asks you to stop: {session.stop_requested.reason}. Finish cleanly, start nothing new, and "
            "call sign_out."
        )
    return result


def sign_out(services: Services, arguments: SignOutArguments) -> Result:
    """End the caller's own session."""
    ended = services.sessions.sign_out(services.handle(arguments.session)) is not None
    if ended:
        return {
            "ended": True,
            "message": "Signed out. To return, call sign_in with the same agent_name and context.",
        }
    return {"ended": False, "message": "There is no such live session: it had already ended, or is not yours."}


def whoami(services: Services, arguments: WhoamiArguments) -> Result:
    """Return the owner, and a session without extending it."""
    if arguments.session is None:
        message = "You act on behalf of this owner. Call sign_in to get a session, or pass yours to see it."
        return {"owner": services.owner, "session": None, "message": message}
    session = services.sessions.validate(services.handle(arguments.session), touch=False)
    body = session_body(session)
    message = f"You are {body['display_name']}, signed in until {body['expires_at']} unless you check in."
    return {"owner": services.owner, "session": reduced(body, SESSION), "message": message}


def find_agent(services: Services, arguments: FindAgentArguments) -> Result:
    """Return the agent with a name and a context, or none."""
    presence = services.agents.find_agent(services.owner, arguments.agent_name, arguments.context)
    if presence is None:
        message = "No agent has this name and context. The same name in another context is another agent."
        return {"agent": None, "message": message}
    body = presence_body(presence)
    blocked = "; it is blocked" if body["blocked"] else ""
    least = "at least " if presence.capped else ""
    message = f"{body['display_name']} has {least}{_count(presence.active_sessions, 'live session')}{blocked}."
    return {"agent": reduced(body, AGENT, PRESENCE), "message": message}


def list_sessions(services: Services, arguments: ListSessionsArguments) -> Result:
    """Return live sessions of all agents, or of one."""
    position = None if arguments.next is None else tuple(arguments.next.split("/", 1))
    if arguments.agent_id is None:
        after = None if position is None else (position[0], position[1])
        page = services.roster.list_sessions(services.owner, limit=arguments.limit, after=after)
        following = page.next
    else:
        agent_id = arguments.agent_id.lower()
        page = services.agents.list_sessions(
            services.owner, agent_id, limit=arguments.limit, after=None if position is None else position[1]
        )
        following = None if page.next is None else f"{agent_id}/{page.next}"
    sessions = [reduced(session_body(each), SESSION) for each in page.sessions]
    message = (
        f"{_count(len(sessions), 'live session')}." if following is None else "There are more: call again with `next`."
    )
    return {"sessions": sessions, "next": following, "message": message}


def end_sessions(services: Services, arguments: EndSessionsArguments) -> Result:
    """End one session, or all of one agent."""
    if arguments.session is not None:
        handle = services.handle(arguments.session)
        ended = services.agents.end_session(services.owner, handle.agent_id, handle.session_id)
        message = "The session has ended. " if ended else "The session had already ended. "
        return {"ended": int(ended), "more": False, "message": message + AGAIN}
    outcome = services.agents.end_all_sessions(services.owner, arguments.agent_id or "")
    message = "Time ran out: call again with the same agent_id." if outcome.more else AGAIN
    return {
        "ended": outcome.count,
        "more": outcome.more,
        "message": f"{_count(outcome.count, 'session')} ended. {message}",
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _duration(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{seconds // 60} minutes"
