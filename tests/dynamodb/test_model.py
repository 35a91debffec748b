"""In any order of operations, every response of the service equals that of a model."""

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
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
from agent_sessions.domain.models import Agent, Ended, Session, SignedIn, StopRequest
from agent_sessions.errors import AgentBlockedError, InvalidSessionError, NotFoundError, ValidationError
from agent_sessions.services.activity_report import ActivityReport
from agent_sessions.services.agents import AgentService
from agent_sessions.services.handles import SessionHandle
from agent_sessions.services.roster import RosterService
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from tests.conftest import FrozenClock
from tests.dynamodb.model import SIGN_INS_PER_SWEEP, Model
from tests.support.database import Database, NewClient, empty
from tests.support.length import by_length

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

RUNS, STEPS = by_length(20, 2_500), 50

# The same runs every time at short length.
SEEDS = itertools.count(by_length(1, random.SystemRandom().getrandbits(32)))

# The defaults, and each time once the shortest and once the longest.
TIMES: list[dict[str, Any]] = [
    {},
    {"idle_timeout": 20, "last_seen_interval": 45},
    {"idle_timeout": 900, "lifetime": 700, "touch_interval": 1},
    {"idle_timeout": 1, "lifetime": 9, "touch_interval": 2, "last_seen_interval": 3},
]
CACHES = [0, 30, 3600]
LIMITS = [100, 0, 3, 1]
SECONDS = st.sampled_from([None, 60, 120, 600])
METADATA = st.sampled_from([{}, {"model": "claude", "note": ""}])
PROGRESS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"state": st.sampled_from(["working", "idle", None]), "activity": st.sampled_from(["reading", None])}
).filter(bool)
# Few, so that they meet.
IDENTITIES = st.sampled_from([("Claude", None), (" CLAUDE", "default"), ("claude ", "Project A")])
OWNERS = st.sampled_from(["ada", "ada", "ada", "bob"])
CONTAINERS = st.sampled_from([0, 1])
PAUSES = st.sampled_from(["touch_interval", "idle_timeout", "lifetime"])
EDGES = st.sampled_from(["touch", "last seen", "expiry", "end", "cache"])

type Key = tuple[str, str, str]


def key_of(owner: str, name: str, context: str | None) -> Key:
    """Return a key that is equal for all sign-ins of one agent."""
    return owner, name.strip().casefold(), (context or "").strip().casefold() or "default"


class SecretsOfOneRun:
    """The same secrets in each run, so that a repeated run has the same handles in the same order."""

    made = 0

    @classmethod
    def token_bytes(cls, length: int) -> bytes:
        cls.made += 1
        return random.Random(cls.made).randbytes(length)  # noqa: S311


class Machine(RuleBasedStateMachine):
    """Two containers of the sessions function and one of the agents function; each response is compared with the model.

    Args:
        database: Empty tables.
        cloudwatch: A client that the report needs; the report only counts.
        clock: The clock of the service.
        lengths: Where each run notes how many steps it had.
    """

    made = Bundle[SignedIn]("made")

    def __init__(self, database: Database, cloudwatch: "CloudWatchClient", clock: FrozenClock, lengths: list[int]):
        super().__init__()
        self.database, self.cloudwatch, self.clock, self.lengths = database, cloudwatch, clock, lengths
        self.ids: dict[Key, str] = {}
        self.signed_in: list[Session] = []
        self.steps = -1
        SecretsOfOneRun.made = 0

    def deploy(self, settings: Settings) -> None:
        database = replace(self.database, settings=settings)
        self.tables = database.tables()
        self.containers = [SessionService(database.tables(), settings) for _ in range(2)]
        self.agents = AgentService(self.tables, settings)
        self.roster = RosterService(self.tables, settings)
        self.report = ActivityReport(self.tables, self.cloudwatch, replace(settings, report_segments=2))

    @initialize(target=made, times=st.sampled_from(TIMES), cache=st.sampled_from(CACHES), limit=st.sampled_from(LIMITS))
    def start(self, times: dict[str, Any], cache: int, limit: int) -> MultipleResults[SignedIn]:
        self.clock.time = 1_800_000_000
        settings = replace(self.database.settings, session_cache=cache, max_sessions_per_agent=limit, **times)
        self.model = Model(settings, self.clock.time)
        self.deploy(settings)
        # Hypothesis leaves some rules out of a run; without these, one without sign-ins would do nothing.
        return multiple(
            *filter(None, (self.signed_in_as(0, owner, ("Claude", None)) for owner in ("ada", "ada", "bob")))
        )

    @invariant()
    def step(self) -> None:
        self.steps += 1

    # -- agents

    @rule(target=made, container=CONTAINERS, owner=OWNERS, identity=IDENTITIES)
    def sign_in(self, container: int, owner: str, identity: tuple[str, str | None]) -> MultipleResults[SignedIn]:
        return some(self.signed_in_as(container, owner, identity))

    @rule(target=made, container=CONTAINERS, owner=OWNERS, identity=IDENTITIES)
    def sign_in_exclusively(
        self, container: int, owner: str, identity: tuple[str, str | None]
    ) -> MultipleResults[SignedIn]:
        return some(self.signed_in_as(container, owner, identity, exclusive=True))

    @rule(target=made, owner=OWNERS, identity=IDENTITIES, idle=SECONDS, lifetime=SECONDS, metadata=METADATA)
    def sign_in_with(
        self,
        owner: str,
        identity: tuple[str, str | None],
        idle: int | None,
        lifetime: int | None,
        metadata: dict[str, str],
    ) -> MultipleResults[SignedIn]:
        settings = self.model.settings
        seconds: dict[str, Any] = {"idle_seconds": idle, "lifetime_seconds": lifetime}
        if (idle or 0) > settings.idle_timeout or (lifetime or 0) > settings.lifetime:
            with pytest.raises(ValidationError):
                self.containers[0].sign_in(owner, *identity, **seconds)
            return multiple()
        return some(self.signed_in_as(0, owner, identity, metadata=metadata, **seconds))

    @rule(target=made, container=CONTAINERS, owner=OWNERS, identity=IDENTITIES)
    def sign_in_until_the_sweep(
        self, container: int, owner: str, identity: tuple[str, str | None]
    ) -> MultipleResults[SignedIn]:
        """Sign in so often that sessions are swept; the last ones are used later."""
        many = [self.signed_in_as(container, owner, identity) for _ in range(SIGN_INS_PER_SWEEP)]
        return multiple(*filter(None, many[-2:]))

    def signed_in_as(
        self,
        container: int,
        owner: str,
        identity: tuple[str, str | None],
        *,
        exclusive: bool = False,
        metadata: dict[str, str] | None = None,
        idle_seconds: int | None = None,
        lifetime_seconds: int | None = None,
    ) -> SignedIn | None:
        now, settings = self.clock.time, self.model.settings
        known_id = self.ids.get(key_of(owner, *identity), "")
        known = self.model.agents.get(known_id)
        seconds: dict[str, Any] = {"idle_seconds": idle_seconds, "lifetime_seconds": lifetime_seconds}
        made = unless(
            AgentBlockedError,
            lambda: self.containers[container].sign_in(
                owner, *identity, exclusive=exclusive, metadata=metadata, **seconds
            ),
        )
        assert (made is None) == (known is not None and known.blocked)
        if made is None:
            return None
        agent_id = self.ids.setdefault(key_of(owner, *identity), made.session.agent_id)
        assert len(set(self.ids.values())) == len(self.ids), "two identities are two agents"
        ids: dict[str, Any] = {"agent_id": agent_id, "owner": owner}
        name, context = identity[0].strip(), identity[1]
        agent = known or Agent(
            **ids, identity_key=identity_key(name, context), agent_name=name, context=context,
            created_at=now, last_active=now,
        )  # fmt: skip
        idle, ends_at = idle_seconds or settings.idle_timeout, now + (lifetime_seconds or settings.lifetime)
        session = Session(
            **ids, session_id=made.session.session_id, agent_name=agent.agent_name, context=agent.context,
            created_at=now, last_active=now, expires_at=self.model.expires_at(idle, ends_at), ends_at=ends_at,
            idle_seconds=idle, sign_in_number=agent.sign_ins + 1,
            incarnation=agent.incarnation or made.session.session_id, exclusive=exclusive, metadata=metadata or {},
        )  # fmt: skip
        reused = self.model.sign_in(container, agent, session)
        assert (made.session, made.reused) == (session, reused)
        self.signed_in.append(session)
        return made

    @rule(target=made, container=CONTAINERS, made=made, by_handle=st.booleans())
    def validate(self, container: int, made: SignedIn, by_handle: bool) -> MultipleResults[SignedIn]:
        return self.used(container, made, by_handle=by_handle)

    @rule(container=CONTAINERS, made=made, by_handle=st.booleans())
    def validate_without_touch(self, container: int, made: SignedIn, by_handle: bool) -> None:
        self.is_valid(container, made, touch=False, by_handle=by_handle)

    @rule(container=CONTAINERS, made=made, owner=OWNERS)
    def use_by_handle_of_another_owner(self, container: int, made: SignedIn, owner: str) -> None:
        if owner == made.session.owner:
            return
        sessions, handle = self.containers[container], handle_of(made, owner)
        assert not succeeds(InvalidSessionError, lambda: sessions.validate(handle))
        assert not succeeds(InvalidSessionError, lambda: sessions.report_progress(handle, {"state": "idle"}))
        assert sessions.sign_out(handle) is None
        self.model.forget(container, made.session.session_id)

    def used(self, container: int, made: SignedIn, *, by_handle: bool = False) -> MultipleResults[SignedIn]:
        """Use a session; if it has ended, its agent signs in again, as agents do."""
        session = made.session
        if self.is_valid(container, made, by_handle=by_handle):
            return multiple()
        return some(self.signed_in_as(container, session.owner, (session.agent_name, session.context)))

    def is_valid(self, container: int, made: SignedIn, *, touch: bool = True, by_handle: bool = False) -> bool:
        named = name_of(made, by_handle=by_handle)
        session = unless(InvalidSessionError, lambda: self.containers[container].validate(named, touch=touch))
        assert session == self.model.validate(container, made.session.session_id, touch=touch)
        return session is not None

    @rule(container=CONTAINERS, made=made, progress=PROGRESS, by_handle=st.booleans())
    def report_progress(self, container: int, made: SignedIn, progress: dict[str, Any], by_handle: bool) -> None:
        named = name_of(made, by_handle=by_handle)
        session = unless(InvalidSessionError, lambda: self.containers[container].report_progress(named, progress))
        assert session == self.model.report_progress(container, made.session.session_id, progress)
        self.look_at(made)

    @rule(container=CONTAINERS, made=made, by_handle=st.booleans())
    def sign_out(self, container: int, made: SignedIn, by_handle: bool) -> None:
        session = self.containers[container].sign_out(name_of(made, by_handle=by_handle))
        assert session == self.model.sign_out(container, made.session.session_id)
        self.look_at(made)
        self.is_valid(container, made)

    # -- owners

    @rule(made=made, owner=OWNERS, limit=st.sampled_from([2, 100]))
    def list_sessions(self, made: SignedIn, owner: str, limit: int) -> None:
        if not self.owns(owner, made):
            with pytest.raises(NotFoundError):
                self.agents.list_sessions(owner, made.session.agent_id, limit=limit)
            return
        left = self.model.live(made.session.agent_id)
        after = None
        while True:
            page = self.agents.list_sessions(owner, made.session.agent_id, limit=limit, after=after)
            assert list(page.sessions) == left[:limit]
            left = left[limit:]
            assert page.next == (page.sessions[-1].session_id if left else None)
            if not left:
                return
            after = page.next

    @rule(owner=OWNERS, limit=st.sampled_from([1, 3, 100]))
    def list_roster(self, owner: str, limit: int) -> None:
        """The sessions of one agent have no order in the index."""
        found: list[Session] = []
        after: tuple[str, str] | None = None
        while True:
            page = self.roster.list_sessions(owner, limit=limit, after=after)
            assert len(page.sessions) <= limit
            found += page.sessions
            if page.next is None:
                break
            agent_id, _, session_id = page.next.partition("/")
            after = agent_id, session_id
        assert sorted(found, key=lambda each: each.session_id) == self.model.live(owner=owner)
        assert [each.agent_id for each in found] == sorted(each.agent_id for each in found)

    @rule(owner=OWNERS, limit=st.sampled_from([1, 100]))
    def list_agents(self, owner: str, limit: int) -> None:
        found: list[Agent] = []
        after: str | None = None
        while True:
            page = self.roster.list_agents(owner, limit=limit, after=after)
            assert len(page.agents) <= limit
            found += page.agents
            if page.next is None:
                break
            after = page.next
        owned = (each for each in self.model.agents.values() if each.owner == owner)
        assert found == sorted(owned, key=lambda each: each.agent_id)

    @rule(made=made, owner=OWNERS)
    def end_one(self, made: SignedIn, owner: str) -> None:
        session = made.session
        ended = succeeds(NotFoundError, lambda: self.agents.end_session(owner, session.agent_id, session.session_id))
        assert ended == self.owns(owner, made)
        if ended:
            self.model.end_one(session.session_id)
        self.look_at(made)

    @rule(made=made, owner=OWNERS)
    def end_all(self, made: SignedIn, owner: str) -> None:
        agent_id = made.session.agent_id
        ended = unless(NotFoundError, lambda: self.agents.end_all_sessions(owner, agent_id))
        assert ended == (Ended(self.model.end_all(agent_id), more=False) if self.owns(owner, made) else None)
        self.look_at(made)

    @rule(owner=OWNERS)
    def end_all_of_an_owner(self, owner: str) -> None:
        assert self.roster.end_all_sessions(owner) == Ended(self.model.end_all_of(owner), more=False)

    @rule(made=made, owner=OWNERS, reason=st.sampled_from(["Budget used up", None]))
    def request_stop(self, made: SignedIn, owner: str, reason: str | None) -> None:
        session = made.session
        returned = unless(
            NotFoundError,
            lambda: self.agents.request_stop(owner, session.agent_id, session.session_id, reason),
        )
        request = None if reason is None else StopRequest(reason, self.clock.time)
        assert returned == (self.model.request_stop(session.session_id, request) if owner == session.owner else None)

    @rule(made=made, owner=OWNERS)
    def block(self, made: SignedIn, owner: str) -> None:
        agent_id = made.session.agent_id
        presence = unless(NotFoundError, lambda: self.agents.block(owner, agent_id))
        if self.owns(owner, made):
            self.model.end_all(agent_id, block=True)
        assert presence == (self.model.presence(agent_id) if self.owns(owner, made) else None)
        self.look_at(made)

    @rule(target=made, container=CONTAINERS, made=made, owner=OWNERS)
    def unblock(self, container: int, made: SignedIn, owner: str) -> MultipleResults[SignedIn]:
        """Let an agent sign in again, which it does if it could not before."""
        session, agent_id = made.session, made.session.agent_id
        agent = self.model.agents.get(agent_id)
        presence = unless(NotFoundError, lambda: self.agents.unblock(owner, agent_id))
        if not self.owns(owner, made):
            assert presence is None
            return multiple()
        self.model.unblock(agent_id)
        assert presence == self.model.presence(agent_id)
        assert agent
        if not agent.blocked:
            return multiple()
        return some(self.signed_in_as(container, owner, (session.agent_name, session.context)))

    @rule(made=made, owner=OWNERS)
    def delete(self, made: SignedIn, owner: str) -> None:
        agent_id = made.session.agent_id
        deleted = succeeds(NotFoundError, lambda: self.agents.delete(owner, agent_id))
        assert deleted == self.owns(owner, made)
        if deleted:
            self.model.delete(agent_id)
        self.look_at(made)

    @rule(owner=OWNERS, identity=IDENTITIES)
    def find(self, owner: str, identity: tuple[str, str | None]) -> None:
        agent_id = self.ids.get(key_of(owner, *identity), "")
        assert self.agents.find_agent(owner, *identity) == self.model.presence(agent_id)

    @rule(made=made)
    def look_at(self, made: SignedIn) -> None:
        session = made.session
        presence = unless(NotFoundError, lambda: self.agents.get_agent(session.owner, session.agent_id))
        assert presence == self.model.presence(session.agent_id)

    def owns(self, owner: str, made: SignedIn) -> bool:
        return owner == made.session.owner and made.session.agent_id in self.model.agents

    # -- operators, and time

    @rule()
    def count(self) -> None:
        active = self.report.count()
        live = self.model.live()
        assert (active.sessions, active.agents) == (len(live), len({each.agent_id for each in live}))

    @rule()
    def end_all_that_started_before_now(self) -> None:
        """Deploy a new cutoff, as after a compromise; sessions of this second stay."""
        settings = replace(self.model.settings, sessions_not_before=self.clock.time)
        self.model.redeploy(settings)
        self.deploy(settings)

    @rule(pause=PAUSES)
    def time_passes(self, pause: str) -> None:
        self.clock.tick(getattr(self.model.settings, pause))
        self.model.now = self.clock.time

    @rule(target=made, container=CONTAINERS, made=made, edge=EDGES, before=st.booleans())
    def validate_at_an_edge(self, container: int, made: SignedIn, edge: str, before: bool) -> MultipleResults[SignedIn]:
        """Go to the second in which the state of a session changes, or the one before, and use the session."""
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
        """End a session elsewhere: a container may accept it until its cache entry expires, to the second."""
        self.is_valid(container, made)
        self.end_one(made, made.session.owner)
        since, _ = self.model.caches[container].get(made.session.session_id, (self.clock.time, made.session))
        self.go_to(since + self.model.settings.session_cache - before)
        self.is_valid(container, made)

    def go_to(self, second: int) -> None:
        self.clock.time = self.model.now = max(self.clock.time, second)

    @rule(which=st.integers(0, 2**16 - 1))
    def ttl_deletes(self, which: int) -> None:
        """Delete some expired items, in the second of their expiry or later; no response may show it."""
        live = {each.session_id for each in self.model.live()}
        expired = (each for each in self.signed_in if each.session_id not in live)
        self.tables.sessions.delete_sessions(
            (each.agent_id, each.session_id) for place, each in enumerate(expired) if which >> place % 16 & 1
        )

    def teardown(self) -> None:
        self.lengths.append(self.steps)
        empty(self.database)


def some(made: SignedIn | None) -> MultipleResults[SignedIn]:
    """Return a sign-in for the bundle, or nothing."""
    return multiple() if made is None else multiple(made)


def handle_of(made: SignedIn, owner: str) -> SessionHandle:
    return SessionHandle(made.session.agent_id, made.session.session_id, owner)


def name_of(made: SignedIn, *, by_handle: bool) -> str | SessionHandle:
    """Return what names a session: everything must be alike for its token and for its handle."""
    return handle_of(made, made.session.owner) if by_handle else made.session_token


def unless[T](error: type[Exception], call: Callable[[], T]) -> T | None:
    """Return what a call returns; None if it raises the error."""
    try:
        return call()
    except error:
        return None


def succeeds(error: type[Exception], call: Callable[[], object]) -> bool:
    """Return whether a call returns; False if it raises the error."""
    try:
        call()
    except error:
        return False
    return True


@pytest.fixture
def new_client(new_fast_client: NewClient) -> NewClient:
    return new_fast_client


@pytest.mark.no_cover  # coverage would double the time, and other tests run every line
def test_every_response_equals_the_models(
    database: Database, cloudwatch: "CloudWatchClient", frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "secrets", SecretsOfOneRun)
    lengths: list[int] = []
    machine = cast("type[Machine]", lambda: Machine(database, cloudwatch, frozen, lengths))  # any factory will do

    # Hypothesis ends some runs early, because they repeat a part of another; they do not count.
    while missing := max(RUNS - lengths.count(STEPS), 0):
        number = next(SEEDS)
        print(f"seed {number}")  # noqa: T201  repeats a run that fails
        run_state_machine_as_test(seed(number)(machine), settings=settings_of(missing))


def settings_of(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS + 1,  # the first one starts the machine
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # Phase.explain is left out, because it repeats a failing run for minutes.
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
    )
