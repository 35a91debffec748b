"""Walk a client of openapi-python-client through the API."""

import os

from generated.api.agents import get_agent, list_agent_sessions, list_agents
from generated.api.sessions import report_progress, sign_in, sign_out, validate_session
from generated.client import AuthenticatedClient
from generated.models import (
    AgentPage,
    GatewayMessage,
    Problem,
    ProgressInput,
    Session,
    SessionPage,
    SignedIn,
    SignInInput,
    State,
)

NAME, CONTEXT = "openapi-python-client", "generated clients"


def passed(step: str) -> None:
    """Report to the runner that a step succeeded."""
    print(step, flush=True)


api = AuthenticatedClient(base_url=os.environ["API_URL"], token="unused")
stand_in = AuthenticatedClient(base_url=os.environ["STAND_IN_URL"], token="unused")

signed_in = sign_in.sync(client=api, body=SignInInput(agent_name=NAME, context=CONTEXT))
assert isinstance(signed_in, SignedIn), signed_in
passed("sign in")

agent = AuthenticatedClient(base_url=os.environ["API_URL"], token=signed_in.session_token)
session = validate_session.sync(client=agent)
assert isinstance(session, Session), session
assert session.session_id == signed_in.session_id
passed("validate")

report = ProgressInput(state=State.WORKING, activity="walking")
reported = report_progress.sync(client=agent, body=report)
assert isinstance(reported, Session), reported
assert (reported.state, reported.activity) == (State.WORKING, "walking")
assert reported.progress_at is not None
passed("progress")

found = list_agents.sync(client=api, agent_name=NAME, context=CONTEXT)
assert isinstance(found, AgentPage), found
assert [each.agent_id for each in found.agents] == [signed_in.agent_id]
assert found.agents[0].online is True
passed("find")

page = list_agent_sessions.sync(signed_in.agent_id, client=api, limit=100)
assert isinstance(page, SessionPage), page
assert signed_in.session_id in [each.session_id for each in page.sessions]
passed("list")

invalid = sign_in.sync(client=api, body=SignInInput(agent_name=" "))
assert isinstance(invalid, Problem), invalid
assert invalid.error == "ValidationError"
assert invalid.errors
assert invalid.errors[0].field == "agent_name"
passed("400")

stranger = AuthenticatedClient(base_url=os.environ["API_URL"], token="ags_unknown")
refused = validate_session.sync(client=stranger)
assert isinstance(refused, Problem), refused
assert refused.error == "InvalidSessionError"
passed("401")

forbidden = get_agent.sync(signed_in.agent_id, client=stand_in)
assert isinstance(forbidden, GatewayMessage), forbidden
assert forbidden.message == "Forbidden"
passed("gateway 403")

later = validate_session.sync(client=stand_in)
assert isinstance(later, Session), later
passed("new field")

assert sign_out.sync_detailed(client=agent).status_code == 204
assert isinstance(validate_session.sync(client=agent), Problem)
passed("sign out")
