"""Every route of the API, in every way in which it calls DynamoDB.

A scenario prepares the state before a request, and returns the request.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from agent_sessions.domain.models import SignedIn
from agent_sessions.services.sweep import SIGN_INS_PER_SWEEP
from tests.faults.harness import CONTEXT, KEY, NAME, START, Harness, Request, Scenario
from tests.support.contract import ApiResponse
from tests.support.database import fill
from tests.support.events import load_event

MAX_SESSIONS = 3  # of an agent; beyond that, a sign-in sweeps


def known(harness: Harness, sessions: int = 1) -> SignedIn:
    """Return a sign-in of an agent with this many sessions; the others are written, which is faster."""
    first = harness.sessions.sign_in(harness.owner, NAME, CONTEXT)
    if sessions > 1:
        others = range(2, sessions + 1)
        fill(
            harness.database,
            (replace(first.session, session_id=str(uuid.uuid4()), sign_in_number=number) for number in others),
        )
        harness.database.count_sign_ins(first.session.agent_id, sessions)
    return first


def sign_in(harness: Harness, **body: bool) -> ApiResponse:
    return harness.api.sign_in(NAME, context=CONTEXT, **body)


def sign_in_of_a_new_agent(harness: Harness) -> Request:
    return lambda: sign_in(harness)


def sign_in_of_a_known_agent(harness: Harness) -> Request:
    known(harness)
    harness.now.tick(1)
    return lambda: sign_in(harness)


def sign_in_of_an_imported_agent(harness: Harness) -> Request:
    harness.database.import_agent(str(uuid.uuid4()), harness.owner, KEY, at=START - 1000)
    return lambda: sign_in(harness)


def sign_in_of_a_deleted_agent_in_the_index(harness: Harness) -> Request:
    harness.index_shows = str(uuid.uuid4())
    return lambda: sign_in(harness)


def exclusive_sign_in_with_older_sessions(harness: Harness) -> Request:
    known(harness, 3)
    harness.now.tick(1)
    harness.page_size = 2
    return lambda: sign_in(harness, exclusive=True)


def sign_in_that_sweeps(harness: Harness) -> Request:
    known(harness, SIGN_INS_PER_SWEEP)
    harness.now.tick(1)
    harness.page_size = SIGN_INS_PER_SWEEP + 1
    return lambda: sign_in(harness)


def validate_after(harness: Harness, seconds: int) -> Request:
    token = known(harness).session_token
    harness.now.tick(seconds)
    return lambda: harness.api.validate(token)


def validate(harness: Harness) -> Request:
    return validate_after(harness, 59)


def validate_that_touches(harness: Harness) -> Request:
    return validate_after(harness, 60)


def validate_that_touches_and_updates_the_agent(harness: Harness) -> Request:
    return validate_after(harness, 300)


def validate_that_heals(harness: Harness) -> Request:
    """The session was being written while its agent was signed out everywhere."""
    made = known(harness)
    harness.database.tables().agents.move_fence(made.session.agent_id, harness.owner, block=False)
    harness.now.tick(300)
    return lambda: harness.api.validate(made.session_token)


def report_progress(harness: Harness) -> Request:
    token = known(harness).session_token
    harness.now.tick(1)
    return lambda: harness.api.progress(token, state="working", activity="reading")


def report_progress_and_update_the_agent(harness: Harness) -> Request:
    token = known(harness).session_token
    harness.now.tick(300)
    return lambda: harness.api.progress(token, state="waiting")


def sign_out(harness: Harness) -> Request:
    token = known(harness).session_token
    harness.now.tick(30)
    return lambda: harness.api.sign_out(token)


def find_agent(harness: Harness) -> Request:
    known(harness, 3)
    harness.page_size = 2
    return lambda: harness.api.find(agent_name=NAME, context=CONTEXT)


def find_agent_that_was_imported(harness: Harness) -> Request:
    harness.database.import_agent(str(uuid.uuid4()), harness.owner, KEY, at=START - 1000)
    return lambda: harness.api.find(agent_name=NAME, context=CONTEXT)


def get_agent(harness: Harness) -> Request:
    agent_id = known(harness, 3).session.agent_id
    harness.page_size = 2
    return lambda: harness.api.agent(agent_id)


def list_sessions(harness: Harness) -> Request:
    agent_id = known(harness, 5).session.agent_id
    harness.page_size = 2
    return lambda: harness.api.sessions(agent_id, limit="3")


def list_sessions_from_the_second_page(harness: Harness) -> Request:
    agent_id = known(harness, 5).session.agent_id
    harness.page_size = 2
    after = harness.agents.list_sessions(harness.owner, agent_id, limit=2).next
    assert after
    return lambda: harness.api.sessions(agent_id, limit="3", next=after)


def end_all_sessions(harness: Harness) -> Request:
    agent_id = known(harness, 27).session.agent_id
    harness.now.tick(120)
    harness.page_size = 20
    return lambda: until_all_ended(lambda: harness.api.end_all(agent_id))


def end_sessions_of_all_agents(harness: Harness) -> Request:
    known(harness, 4)
    harness.now.tick(1)
    harness.page_size = 3
    return lambda: until_all_ended(harness.api.end_everything)


def until_all_ended(send: Callable[[], ApiResponse]) -> ApiResponse:
    """Repeat a request until all sessions are ended, as callers do."""
    ended, response = 0, send()
    while response.status == HTTPStatus.OK and response.body["more"]:
        ended += response.body["ended"]
        response = send()
    if response.status != HTTPStatus.OK:
        return response
    return replace(response, text=json.dumps({"ended": ended + response.body["ended"], "more": False}))


def list_roster(harness: Harness) -> Request:
    known(harness, 5)
    harness.page_size = 2
    return lambda: harness.api.roster(limit="3")


def list_agents(harness: Harness) -> Request:
    known(harness)
    return lambda: harness.api.find()


def block(harness: Harness) -> Request:
    agent_id = known(harness, 27).session.agent_id
    harness.now.tick(1)
    harness.page_size = 20
    return lambda: harness.api.block(agent_id)


def unblock(harness: Harness) -> Request:
    agent_id = known(harness).session.agent_id
    harness.agents.block(harness.owner, agent_id)
    return lambda: harness.api.block(agent_id, False)


def delete_agent(harness: Harness) -> Request:
    agent_id = known(harness, 27).session.agent_id
    harness.now.tick(1)
    harness.page_size = 20
    return lambda: harness.api.delete(agent_id)


def request_stop(harness: Harness) -> Request:
    session = known(harness).session
    harness.now.tick(1)
    return lambda: harness.api.stop(session.agent_id, session.session_id, stop_requested="Budget used up")


def withdraw_a_stop_request(harness: Harness) -> Request:
    session = known(harness).session
    harness.agents.request_stop(harness.owner, session.agent_id, session.session_id, "Budget used up")
    return lambda: harness.api.stop(session.agent_id, session.session_id, stop_requested=None)


def end_session(harness: Harness) -> Request:
    signed_in = known(harness, 2)
    harness.now.tick(60)
    harness.sessions.validate(signed_in.session_token)  # this use is later than the last_active of the agent's item
    return lambda: harness.api.end(signed_in.session.agent_id, signed_in.session.session_id)


def end_session_that_has_ended(harness: Harness) -> Request:
    signed_in = known(harness)
    harness.sessions.sign_out(signed_in.session_token)
    return lambda: harness.api.end(signed_in.session.agent_id, signed_in.session.session_id)


def health(harness: Harness) -> Request:
    return lambda: harness.api.send(load_event("check_health"))


def health_without_body(harness: Harness) -> Request:
    return lambda: harness.api.send(load_event("probe_health"))


SCENARIOS: dict[str, Scenario] = {
    each.__name__: each
    for each in (
        sign_in_of_a_new_agent,
        sign_in_of_a_known_agent,
        sign_in_of_an_imported_agent,
        sign_in_of_a_deleted_agent_in_the_index,
        exclusive_sign_in_with_older_sessions,
        sign_in_that_sweeps,
        validate,
        validate_that_touches,
        validate_that_touches_and_updates_the_agent,
        validate_that_heals,
        report_progress,
        report_progress_and_update_the_agent,
        sign_out,
        find_agent,
        find_agent_that_was_imported,
        get_agent,
        list_sessions,
        list_sessions_from_the_second_page,
        list_roster,
        list_agents,
        end_all_sessions,
        end_sessions_of_all_agents,
        block,
        unblock,
        delete_agent,
        request_stop,
        withdraw_a_stop_request,
        end_session,
        end_session_that_has_ended,
        health,
        health_without_body,
    )
}
