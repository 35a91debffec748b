"""Every route of the API, in every way that it calls DynamoDB: each prepares what a request meets, and returns it."""

import json
import uuid
from dataclasses import replace
from http import HTTPStatus

from agent_sessions.domain.models import SignedIn
from tests.faults.harness import CONTEXT, KEY, NAME, START, Harness, Request, Scenario
from tests.support.contract import ApiResponse
from tests.support.database import fill
from tests.support.events import load_event


def known(harness: Harness, sessions: int = 1, *, used_at: int = START) -> SignedIn:
    """Sign in so often; return the first. Only the first is signed in through the service, as that takes longer."""
    first = harness.sessions.sign_in(harness.owner, NAME, CONTEXT)
    others = range(2, sessions + 1)
    fill(
        harness.database,
        (
            replace(first.session, session_id=str(uuid.uuid4()), last_active=used_at, sign_in_number=number)
            for number in others
        ),
    )
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


def sign_in_of_an_agent_that_only_the_index_still_has(harness: Harness) -> Request:
    harness.index_shows = str(uuid.uuid4())
    return lambda: sign_in(harness)


def exclusive_sign_in_with_older_sessions(harness: Harness) -> Request:
    known(harness, 3)
    harness.now.tick(1)
    harness.page_size = 2
    return lambda: sign_in(harness, exclusive=True)


def validate_after(harness: Harness, seconds: int) -> Request:
    token = known(harness).session_token
    harness.now.tick(seconds)
    return lambda: harness.api.validate(token)


def validate(harness: Harness) -> Request:
    return validate_after(harness, 59)


def validate_that_touches(harness: Harness) -> Request:
    return validate_after(harness, 60)


def validate_that_touches_and_tells_the_agent(harness: Harness) -> Request:
    return validate_after(harness, 300)


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
    agent_id = known(harness, 27, used_at=START + 100).session.agent_id
    harness.now.tick(120)
    harness.page_size = 20

    def end_all() -> ApiResponse:
        """Ask until all are ended, as callers do."""
        ended, answer = 0, harness.api.end_all(agent_id)
        while "more" in answer.body:
            ended += answer.body["ended"]
            answer = harness.api.end_all(agent_id)
        total = {"ended": ended + answer.body["ended"]} if answer.status == HTTPStatus.OK else answer.body
        return replace(answer, text=json.dumps(total))

    return end_all


def end_session(harness: Harness) -> Request:
    signed_in = known(harness, 2)
    harness.now.tick(60)
    harness.sessions.validate(signed_in.session_token)  # so the agent was last seen later than its item says
    return lambda: harness.api.end(signed_in.session.agent_id, signed_in.session.session_id)


def end_session_that_has_ended(harness: Harness) -> Request:
    signed_in = known(harness)
    harness.sessions.sign_out(signed_in.session_token)
    return lambda: harness.api.end(signed_in.session.agent_id, signed_in.session.session_id)


def health(harness: Harness) -> Request:
    return lambda: harness.api.send(load_event("check_health"))


SCENARIOS: dict[str, Scenario] = {
    each.__name__: each
    for each in (
        sign_in_of_a_new_agent,
        sign_in_of_a_known_agent,
        sign_in_of_an_imported_agent,
        sign_in_of_an_agent_that_only_the_index_still_has,
        exclusive_sign_in_with_older_sessions,
        validate,
        validate_that_touches,
        validate_that_touches_and_tells_the_agent,
        sign_out,
        find_agent,
        find_agent_that_was_imported,
        get_agent,
        list_sessions,
        list_sessions_from_the_second_page,
        end_all_sessions,
        end_session,
        end_session_that_has_ended,
        health,
    )
}
