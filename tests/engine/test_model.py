"""Whatever is done in whatever order, every answer of the service is the model's."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from agent_sessions import tokens
from agent_sessions.agents import AgentService
from agent_sessions.errors import NotFoundError, SessionError
from agent_sessions.identity import identity_key
from agent_sessions.models import Agent, Ended, Presence, Session, SignedIn
from agent_sessions.report import ActivityReport
from agent_sessions.service import SessionService
from tests.conftest import FrozenClock
from tests.engine.conftest import THOROUGH, Database, NewClient
from tests.engine.model import IDLE, LAST_SEEN, LIFETIME, TOUCH, Model

LENGTH = (
    settings(max_examples=500, stateful_step_count=50)
    if THOROUGH
    # The same each time: what runs on every change must not fail by luck.
    else settings(max_examples=45, stateful_step_count=30, derandomize=True)
)

# Not Phase.explain, which repeats a failing run for minutes.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
# Few, so that they meet.
IDENTITIES = st.sampled_from([("Claude", None), (" CLAUDE", "default"), ("claude ", "Project A")])
OWNERS = st.sampled_from(["ada", "ada", "ada", "bob"])
CONTAINERS = st.sampled_from([0, 1])
EDGES = st.sampled_from(["touch", "five minutes", "expiry", "end", "cache"])


class SecretsOfOneRun:
    """The same secrets in each run: one that is repeated meets the same handles in the same order."""

    made = 0

    @classmethod
    def token_bytes(cls, length: int) -> bytes:
        cls.made += 1
        return random.Random(cls.made).randbytes(length)  # noqa: S311


class Machine(RuleBasedStateMachine):
    """Two containers of the service and one of the agents' routes, each answer held against the model."""

    made = Bundle[SignedIn]("made")

    def __init__(self, database: Database, report: ActivityReport, clock: FrozenClock) -> None:
        super().__init__()
        self.database, self.report, self.clock = database, report, clock
        self.store = database.store()
        self.agents = AgentService(self.store)
        SecretsOfOneRun.made = 0
        self.signed_in: list[Session] = []

    @initialize(cache=st.sampled_from([0, 30, 2 * IDLE]))
    def start(self, cache: int) -> None:
        self.clock.time = 1_800_000_000
        self.model = Model(cache, self.clock.time)
        configured = replace(self.database.settings, session_cache=cache)
        self.containers = [SessionService(self.database.store(), configured) for _ in range(2)]

    @rule(target=made, container=CONTAINERS, owner=OWNERS, who=IDENTITIES, exclusive=st.booleans())
    def sign_in(self, container: int, owner: str, who: tuple[str, str | None], exclusive: bool) -> SignedIn:
        now = self.clock.time
        key = self.model.key(owner, *who)
        made = self.containers[container].sign_in(owner, *who, exclusive=exclusive)
        ids = {"agent_id": made.session.agent_id, "owner": owner}
        name, context = who[0].strip(), (who[1] or "").strip() or None
        agent = Agent(
            **ids, identity_key=identity_key(name, context), agent_name=name, context=context,
            created_at=now, last_active=now, sign_ins=0,
        )  # fmt: skip
        first = self.model.agents.get(key, agent)
        session = Session(
            **ids, session_id=made.session.session_id, agent_name=first.agent_name, context=first.context,
            created_at=now, last_active=now, expires_at=now + IDLE + TOUCH, ends_at=now + LIFETIME,
            sign_in_number=first.sign_ins + 1, exclusive=exclusive,
        )  # fmt: skip
        assert made.session.agent_id == first.agent_id
        assert all(each.agent_id != agent.agent_id for other, each in self.model.agents.items() if other != key)
        reused = self.model.sign_in(container, key, agent, session)
        assert (made.session, made.reused) == (session, reused)
        self.signed_in.append(session)
        return made

    @rule(container=CONTAINERS, made=made)
    def validate(self, container: int, made: SignedIn) -> None:
        answer = unless(SessionError, lambda: self.containers[container].validate(made.session_token))
        assert answer == self.model.validate(container, made.session.session_id)

    @rule(container=CONTAINERS, made=made)
    def sign_out(self, container: int, made: SignedIn) -> None:
        answer = self.containers[container].sign_out(made.session_token)
        assert answer == self.model.sign_out(container, made.session.session_id)
        self.look_at(made)

    @rule(made=made, limit=st.sampled_from([1, 2, 100]))
    def list_sessions(self, made: SignedIn, limit: int) -> None:
        left = self.model.live(made.session.agent_id)
        after = None
        while True:
            page = self.agents.list_sessions(made.session.owner, made.session.agent_id, limit=limit, after=after)
            assert list(page.sessions) == left[:limit]
            left = left[limit:]
            assert page.next == (page.sessions[-1].session_id if left else None)
            if not left:
                return
            after = page.next

    @rule(made=made, owner=OWNERS)
    def end_one(self, made: SignedIn, owner: str) -> None:
        session = made.session
        try:
            self.agents.end_session(owner, session.agent_id, session.session_id)
        except NotFoundError:
            assert owner != session.owner
            return
        assert owner == session.owner
        self.model.end([each for each in self.model.live() if each.session_id == session.session_id])
        self.look_at(made)

    @rule(made=made, owner=OWNERS)
    def end_all(self, made: SignedIn, owner: str) -> None:
        agent_id = made.session.agent_id
        answer = unless(NotFoundError, lambda: self.agents.end_all_sessions(owner, agent_id))
        owned = owner == made.session.owner
        assert answer == (Ended(self.model.end(self.model.live(agent_id)), more=False) if owned else None)
        self.look_at(made)

    @rule(owner=OWNERS, who=IDENTITIES)
    def presence(self, owner: str, who: tuple[str, str | None]) -> None:
        expected: Presence | None = self.model.presence(self.model.key(owner, *who))
        assert unless(NotFoundError, lambda: self.agents.find_agent(owner, *who)) == expected
        if expected:
            assert self.agents.get_agent(owner, expected.agent.agent_id) == expected

    def look_at(self, made: SignedIn) -> None:
        """Ask for the presence of the agent that was just used or ended."""
        self.presence(made.session.owner, (made.session.agent_name, made.session.context))

    @rule()
    def count(self) -> None:
        active = self.report.count()
        live = self.model.live()
        assert (active.sessions, active.agents) == (len(live), len({each.agent_id for each in live}))

    @rule(seconds=st.sampled_from([1, TOUCH, IDLE, LIFETIME]))
    def time_passes(self, seconds: int) -> None:
        self.clock.tick(seconds)
        self.model.now = self.clock.time

    @rule(container=CONTAINERS, made=made, edge=EDGES, before=st.booleans())
    def use_at_an_edge(self, container: int, made: SignedIn, edge: str, before: bool) -> None:
        """Let time pass to the very second in which a session's state changes, or the one before, and use it."""
        session = self.model.sessions.get(made.session.session_id, made.session)
        since, _ = self.model.caches[container].get(session.session_id, (self.clock.time, session))
        second = {
            "touch": session.last_active + TOUCH,
            "five minutes": (session.last_active // LAST_SEEN + 1) * LAST_SEEN,
            "expiry": session.expires_at,
            "end": session.ends_at,
            "cache": since + self.model.cache,
        }[edge]
        self.clock.time = self.model.now = max(self.clock.time, second - before)
        self.validate(container, made)
        self.look_at(made)

    @rule(which=st.integers(0, 2**16 - 1))
    def ttl_deletes(self, which: int) -> None:
        """Delete some of what has expired, at the very second or any time later; no answer may tell."""
        live = {each.session_id for each in self.model.live()}
        for place, each in enumerate(self.signed_in):
            if each.session_id not in live and which >> place % 16 & 1:
                self.store.delete_session(each.agent_id, each.session_id)

    def teardown(self) -> None:
        self.store.delete_sessions(self.signed_in)
        for agent_id in {each.agent_id for each in self.signed_in}:
            self.database.delete_agent(agent_id)


def unless[T](error: type[Exception], ask: Callable[[], T]) -> T | None:
    """Return the answer; None for the error."""
    try:
        return ask()
    except error:
        return None


@pytest.fixture
def new_client(new_engine_client: NewClient) -> NewClient:
    return new_engine_client


def test_every_answer_is_the_models(
    database: Database, report: Callable[[int], ActivityReport], frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "secrets", SecretsOfOneRun)
    run_state_machine_as_test(
        cast("type[Machine]", lambda: Machine(database, report(2), frozen)),  # any maker of one will do
        settings=settings(
            LENGTH, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, phases=PHASES
        ),
    )
