"""Walk a client of openapi-generator's python through the API."""

import os
from collections.abc import Callable

from generated import ApiClient, Configuration
from generated.api.agents_api import AgentsApi
from generated.api.sessions_api import SessionsApi
from generated.exceptions import ApiException
from generated.models.error_response import ErrorResponse
from generated.models.gateway_message import GatewayMessage
from generated.models.problem import Problem
from generated.models.progress_input import ProgressInput
from generated.models.sign_in_input import SignInInput
from generated.models.state import State

NAME, CONTEXT = "openapi-generator python", "generated clients"


def passed(step: str) -> None:
    """Report to the runner that a step succeeded."""
    print(step, flush=True)


def client(url: str, token: str | None = None) -> ApiClient:
    """Return a client of a service that presents a token."""
    return ApiClient(Configuration(host=os.environ[url], access_token=token))


def failure(request: Callable[[], object], status: int) -> Problem | GatewayMessage:
    """Return the typed body of a request's failure."""
    try:
        request()
    except ApiException as error:
        assert error.status == status, error
        assert isinstance(error.data, ErrorResponse), error
        assert error.data.actual_instance is not None
        return error.data.actual_instance
    raise AssertionError(f"the request succeeded, and {status} was expected")


api, stand_in = client("API_URL"), client("STAND_IN_URL")

signed_in = SessionsApi(api).sign_in(SignInInput(agent_name=NAME, context=CONTEXT))
passed("sign in")

agent = SessionsApi(client("API_URL", signed_in.session_token))
assert agent.validate_session().session_id == signed_in.session_id
passed("validate")

reported = agent.report_progress(ProgressInput(state=State.WORKING, activity="walking"))
assert (reported.state, reported.activity) == (State.WORKING, "walking")
assert reported.progress_at is not None
passed("progress")

(found,) = AgentsApi(api).list_agents(agent_name=NAME, context=CONTEXT).agents
assert (found.agent_id, found.online) == (signed_in.agent_id, True)
passed("find")

page = AgentsApi(api).list_agent_sessions(signed_in.agent_id, limit=100)
assert signed_in.session_id in [each.session_id for each in page.sessions]
passed("list")

invalid = failure(lambda: SessionsApi(api).sign_in(SignInInput(agent_name=" ")), 400)
assert isinstance(invalid, Problem), invalid
assert invalid.error == "ValidationError"
assert invalid.errors
assert invalid.errors[0].var_field == "agent_name"
passed("400")

refused = failure(SessionsApi(client("API_URL", "ags_unknown")).validate_session, 401)
assert isinstance(refused, Problem), refused
assert refused.error == "InvalidSessionError"
passed("401")

forbidden = failure(lambda: AgentsApi(stand_in).get_agent(signed_in.agent_id), 403)
assert isinstance(forbidden, GatewayMessage), forbidden
assert forbidden.message == "Forbidden"
passed("gateway 403")

SessionsApi(stand_in).validate_session()
passed("new field")

agent.sign_out()
assert isinstance(failure(agent.validate_session, 401), Problem)
passed("sign out")
