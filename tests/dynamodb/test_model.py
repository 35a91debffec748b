"""Whatever is done in whatever order, every answer of the service is the model's."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from agent_sessions.domain import tokens
from agent_sessions.domain.identity import identity_key
from agent_sessions.domain.models import Agent, Ended, Session, SignedIn
from agent_sessions.errors import InvalidSessionError, NotFoundError
from agent_sessions.services.activity_report import ActivityReport
from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.dynamodb.model import Model
from tests.support.database import Database, NewClient, empty
from tests.support.length import by_length

RUNS, STEPS = by_length(50, 2_500), 50

LENGTH = settings(
    # Some are cut short, when hypothesis tries a part of an earlier one; they do not count.
    max_examples=RUNS * 5 // 4,
    stateful_step_count=STEPS + 1,  # and the one that starts it
    # The same each time: what runs on every change must not fail by luck.
    derandomize=by_length(True, False),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    # Not Phase.explain, which repeats a failing run for minutes.
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)

# The defaults, and each time once the shortest and once the longest.
TIMES: list[dict[str, Any]] = [
    {},
    {"idle_timeout": 20, "last_seen_interval": 45},
    {"idle_timeout": 900, "lifetime": 700, "touch_interval": 1},
    {"idle_timeout": 1, "lifetime": 9, "touch_interval": 2, "last_seen_interval": 3},
]
CACHES = [0, 30, 3600]
# Few, so that they meet.
IDENTITIES = st.sampled_from([("Claude", None), (" CLAUDE", "default"), ("claude ", "Project A")])
OWNERS = st.sampled_from(["ada", "ada", "ada", "bob"])
CONTAINERS = st.sampled_from([0, 1])
PAUSES = st.sampled_from(["touch_interval", "idle_timeout", "lifetime"])
EDGES = st.sampled_from(["touch", "last seen", "expiry", "end", "cache"])

type Key = tuple[str, str, str]


def key_of(owner: str, name: str, context: str | None) -> Key:
    """Return what two sign-ins of one agent have in common."""
    return owner, name.strip().casefold(), (context or "").strip().casefold() or "default"


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

    def __init__(self, database: Database, report: ActivityReport, clock: FrozenClock, lengths: list[int]) -> None:
        super().__init__()
        self.database, self.report, self.clock, self.lengths = database, report, clock, lengths
        self.tables = database.tables()
        self.agents = AgentService(self.tables)
        self.ids: dict[Key, str] = {}
        self.signed_in: list[Session] = []
        self.steps = -1
        SecretsOfOneRun.made = 0

    @initialize(target=made, times=st.sampled_from(TIMES), cache=st.sampled_from(CACHES))
    def start(self, times: dict[str, Any], cache: int) -> MultipleResults[SignedIn]:
        self.clock.time = 1_800_000_000
        configured = replace(self.database.settings, session_cache=cache, **times)
        self.model = Model(configured, self.clock.time)
        self.containers = [SessionService(self.database.tables(), configured) for _ in range(2)]
        # Hypothesis leaves some rules out of a run; without these, one without sign-ins would do nothing.
        return multiple(*(self.signed_in_as(0, owner, ("Claude", None)) for owner in ("ada", "ada", "bob")))

    @invariant()
    def step(self) -> None:
        self.steps += 1

    @rule(target=made, container=CONTAINERS, owner=OWNERS, who=IDENTITIES)
    def sign_in(self, container: int, owner: str, who: tuple[str, str | None]) -> SignedIn:
        return self.signed_in_as(container, owner, who)

    @rule(target=made, container=CONTAINERS, owner=OWNERS, who=IDENTITIES)
    def sign_in_exclusively(self, container: int, owner: str, who: tuple[str, str | None]) -> SignedIn:
        return self.signed_in_as(container, owner, who, exclusive=True)

    def signed_in_as(
        self, container: int, owner: str, who: tuple[str, str | None], *, exclusive: bool = False
    ) -> SignedIn:
        now, configured = self.clock.time, self.model.settings
        made = self.containers[container].sign_in(owner, *who, exclusive=exclusive)
        agent_id = self.ids.setdefault(key_of(owner, *who), made.session.agent_id)
        assert len(set(self.ids.values())) == len(self.ids), "two identities are two agents"
        ids: dict[str, Any] = {"agent_id": agent_id, "owner": owner}
        name, context = who[0].strip(), who[1]
        agent = Agent(
            **ids, identity_key=identity_key(name, context), agent_name=name, context=context,
            created_at=now, last_active=now, sign_ins=0,
        )  # fmt: skip
        first = self.model.agents.get(agent_id, agent)
        session = Session(
            **ids, session_id=made.session.session_id, agent_name=first.agent_name, context=first.context,
            created_at=now, last_active=now,
            expires_at=self.model.expires_at(now + configured.lifetime), ends_at=now + configured.lifetime,
            sign_in_number=first.sign_ins + 1, exclusive=exclusive,
        )  # fmt: skip
        reused = self.model.sign_in(container, agent, session)
        assert (made.session, made.reused) == (session, reused)
        self.signed_in.append(session)
        return made

    @rule(target=made, container=CONTAINERS, made=made)
    def validate(self, container: int, made: SignedIn) -> MultipleResults[SignedIn]:
        return self.used(container, made)

    def used(self, container: int, made: SignedIn) -> MultipleResults[SignedIn]:
        """Use a session; where it has ended, its agent signs in again, as agents do."""
        session = made.session
        if self.is_valid(container, made):
            return multiple()
        return multiple(self.signed_in_as(container, session.owner, (session.agent_name, session.context)))

    def is_valid(self, container: int, made: SignedIn) -> bool:
        answer = unless(InvalidSessionError, lambda: self.containers[container].validate(made.session_token))
        assert answer == self.model.validate(container, made.session.session_id)
        return answer is not None

    @rule(container=CONTAINERS, made=made)
    def sign_out(self, container: int, made: SignedIn) -> None:
        answer = self.containers[container].sign_out(made.session_token)
        assert answer == self.model.sign_out(container, made.session.session_id)
        self.look_at(made)
        self.is_valid(container, made)

    @rule(made=made, limit=st.sampled_from([2, 100]))
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
    def find(self, owner: str, who: tuple[str, str | None]) -> None:
        agent_id = self.ids.get(key_of(owner, *who))
        found = unless(NotFoundError, lambda: self.agents.find_agent(owner, *who))
        assert found == (self.model.presence(agent_id) if agent_id else None)

    @rule(made=made)
    def look_at(self, made: SignedIn) -> None:
        presence = self.agents.get_agent(made.session.owner, made.session.agent_id)
        assert presence == self.model.presence(made.session.agent_id)

    @rule()
    def count(self) -> None:
        active = self.report.count()
        live = self.model.live()
        assert (active.sessions, active.agents) == (len(live), len({each.agent_id for each in live}))

    @rule(pause=PAUSES)
    def time_passes(self, pause: str) -> None:
        self.clock.tick(getattr(self.model.settings, pause))
        self.model.now = self.clock.time

    @rule(target=made, container=CONTAINERS, made=made, edge=EDGES, before=st.booleans())
    def validate_at_an_edge(self, container: int, made: SignedIn, edge: str, before: bool) -> MultipleResults[SignedIn]:
        """Let time pass to the very second in which a session's state changes, or the one before, and use it."""
        session = self.model.sessions.get(made.session.session_id, made.session)
        configured = self.model.settings
        since, _ = self.model.caches[container].get(session.session_id, (self.clock.time, session))
        interval = configured.last_seen_interval
        second = {
            "touch": session.last_active + configured.touch_interval,
            "last seen": (session.last_active // interval + 1) * interval,
            "expiry": session.expires_at,
            "end": session.ends_at,
            "cache": since + configured.session_cache,
        }[edge]
        self.go_to(second - before)
        return self.used(container, made)

    @rule(container=CONTAINERS, made=made, before=st.booleans())
    def end_what_a_container_remembers(self, container: int, made: SignedIn, before: bool) -> None:
        """End a session elsewhere: a container may take it for live until its cache runs out, to the second."""
        self.is_valid(container, made)
        self.end_one(made, made.session.owner)
        since, _ = self.model.caches[container].get(made.session.session_id, (self.clock.time, made.session))
        self.go_to(since + self.model.settings.session_cache - before)
        self.is_valid(container, made)

    def go_to(self, second: int) -> None:
        self.clock.time = self.model.now = max(self.clock.time, second)

    @rule(which=st.integers(0, 2**16 - 1))
    def ttl_deletes(self, which: int) -> None:
        """Delete some of what has expired, at the very second or any time later; no answer may tell."""
        live = {each.session_id for each in self.model.live()}
        expired = (each for each in self.signed_in if each.session_id not in live)
        self.tables.sessions.delete_sessions(each for place, each in enumerate(expired) if which >> place % 16 & 1)

    def teardown(self) -> None:
        self.lengths.append(self.steps)
        empty(self.database)


def unless[T](error: type[Exception], ask: Callable[[], T]) -> T | None:
    """Return the answer; None for the error."""
    try:
        return ask()
    except error:
        return None


@pytest.fixture
def new_client(new_fast_client: NewClient) -> NewClient:
    return new_fast_client


@pytest.mark.no_cover  # to follow every line takes as long again, and other tests meet them all
def test_every_answer_is_the_models(
    database: Database, report: Callable[[int], ActivityReport], frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "secrets", SecretsOfOneRun)
    lengths: list[int] = []

    run_state_machine_as_test(
        cast("type[Machine]", lambda: Machine(database, report(2), frozen, lengths)),  # any maker of one will do
        settings=LENGTH,
    )

    assert sum(length == STEPS for length in lengths) >= RUNS
