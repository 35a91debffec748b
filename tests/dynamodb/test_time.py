"""Every time limit to the second on both sides, under several settings, on moto and on DynamoDB Local."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from agent_sessions.domain.models import Session, SignedIn
from agent_sessions.errors import InvalidSessionError
from agent_sessions.services.activity_report import ActivityReport
from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from tests.conftest import FrozenClock
from tests.support.database import OWNER, Database
from tests.support.length import by_length

# Each time is the shortest in one of the settings, and the longest in another.
TIMES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "idle shorter than touch": {"idle_timeout": 7, "touch_interval": 50, "lifetime": 300, "session_cache": 20},
    "lifetime shorter than idle": {"lifetime": 130, "touch_interval": 11, "session_cache": 1},
    "lifetime shorter than touch": {"lifetime": 40, "session_cache": 3600},
    "cache longer than touch": {"touch_interval": 3, "idle_timeout": 29, "lifetime": 211, "session_cache": 5},
    "touch longer than last seen": {"last_seen_interval": 45, "lifetime": 1000, "idle_timeout": 100},
    "every second": {"idle_timeout": 1, "touch_interval": 1, "last_seen_interval": 1, "lifetime": 5},
}


pytestmark = pytest.mark.parametrize("new_client", by_length(["direct"], ["moto", "engine", "direct"]), indirect=True)


@pytest.fixture(params=list(TIMES))
def database(request: pytest.FixtureRequest, database: Database) -> Database:
    """The two tables, under each of the settings."""
    return replace(database, settings=replace(database.settings, **TIMES[request.param]))


@pytest.fixture
def settings(database: Database) -> Settings:
    return database.settings


@pytest.fixture(autouse=True)
def start(frozen: FrozenClock, settings: Settings) -> int:
    """The time of the first sign-in: the first second of a last-seen interval."""
    frozen.time -= frozen.time % settings.last_seen_interval
    return frozen.time


def is_live(sessions: SessionService, made: SignedIn) -> bool:
    try:
        return sessions.validate(made.session_token).session_id == made.session.session_id
    except InvalidSessionError:
        return False


def last_active(database: Database, made: SignedIn) -> int:
    """Return last_active of the agent's item."""
    return int(database.agent_item(made.session.agent_id)["last_active"]["N"])


@dataclass(frozen=True)
class Watcher:
    """The operations that show whether a session is live."""

    sessions: SessionService
    agents: AgentService
    database: Database

    def validate(self, made: SignedIn) -> bool:
        return is_live(self.sessions, made)

    def listed(self, made: SignedIn) -> bool:
        return len(self.agents.list_sessions(OWNER, made.session.agent_id).sessions) == 1

    def presence(self, made: SignedIn) -> bool:
        return self.agents.get_agent(OWNER, made.session.agent_id).active_sessions == 1

    def lookup(self, made: SignedIn) -> bool:
        presence = self.agents.find_agent(OWNER, made.session.agent_name)
        return presence is not None and presence.active_sessions == 1

    def end_all(self, made: SignedIn) -> bool:
        return self.agents.end_all_sessions(OWNER, made.session.agent_id).count == 1

    def sign_out(self, made: SignedIn) -> bool:
        return self.sessions.sign_out(made.session_token) is not None

    def exclusive(self, made: SignedIn) -> bool:
        """An exclusive sign-in ends live sessions, and leaves expired ones to TTL."""
        self.sessions.sign_in(OWNER, made.session.agent_name, exclusive=True)
        return self.database.tables().sessions.get_session(made.session.agent_id, made.session.session_id) is None


OPERATIONS = [
    Watcher.validate,
    Watcher.listed,
    Watcher.presence,
    Watcher.lookup,
    Watcher.end_all,
    Watcher.sign_out,
    Watcher.exclusive,
]


def unused(sessions: SessionService, frozen: FrozenClock, made: list[SignedIn]) -> list[Session]:
    return [each.session for each in made]


def used_once(sessions: SessionService, frozen: FrozenClock, made: list[SignedIn]) -> list[Session]:
    frozen.tick(min(sessions._settings.touch_interval, sessions._settings.lifetime - 1))
    return [sessions.validate(each.session_token) for each in made]


def used_to_the_end(sessions: SessionService, frozen: FrozenClock, made: list[SignedIn]) -> list[Session]:
    used = [each.session for each in made]
    while used[0].expires_at < used[0].ends_at:
        frozen.time = used[0].expires_at - 1
        used = [sessions.validate(each.session_token) for each in made]
        assert used[0].last_active == frozen.time, "the use was not recorded"
    return used


@pytest.mark.parametrize("live", [True, False], ids=["last-second", "second-after"])
@pytest.mark.parametrize("use", [unused, used_once, used_to_the_end])
def test_session_ends_in_the_same_second_for_every_operation(
    sessions: SessionService,
    agents: AgentService,
    report: Callable[[int], ActivityReport],
    database: Database,
    settings: Settings,
    frozen: FrozenClock,
    use: Callable[[SessionService, FrozenClock, list[SignedIn]], list[Session]],
    live: bool,
) -> None:
    made = [sessions.sign_in(OWNER, operation.__name__) for operation in OPERATIONS]
    used = use(sessions, frozen, made)
    (last,) = {each.last_active for each in used}
    (end,) = {each.expires_at for each in used}
    assert end == min(last + settings.idle_timeout + settings.touch_interval, made[0].session.ends_at)
    frozen.time = end - live

    active = report(2).count()
    watcher = Watcher(sessions, agents, database)

    assert active.sessions == active.agents == (len(made) if live else 0)
    assert {operation.__name__: operation(watcher, each) for operation, each in zip(OPERATIONS, made, strict=True)} == {
        operation.__name__: live for operation in OPERATIONS
    }


def test_idle_session_ends_at_most_an_interval_late(
    sessions: SessionService, settings: Settings, frozen: FrozenClock, start: int
) -> None:
    idle, touch, end = settings.idle_timeout, settings.touch_interval, start + settings.lifetime
    # The seconds between the last recorded use and the last use, which is not recorded.
    for unrecorded in sorted({0, 1, touch // 2, touch - 1} & set(range(touch))):
        frozen.time = start
        early, late = (sessions.sign_in(OWNER, "Claude") for _ in range(2))
        last = min(start + unrecorded, end - 1)
        frozen.time = last
        assert [is_live(sessions, each) for each in (early, late)] == [True, True]

        frozen.time = last + idle
        assert is_live(sessions, early) == (frozen.time < end), f"idle for {idle} s after {unrecorded} s"
        frozen.time = last + idle + touch
        assert not is_live(sessions, late), f"idle for {idle + touch} s after {unrecorded} s"


def test_session_in_use_ends_with_its_lifetime(
    sessions: SessionService, settings: Settings, frozen: FrozenClock
) -> None:
    made = sessions.sign_in(OWNER, "Claude")
    end = frozen.time + settings.lifetime
    while frozen.time + settings.touch_interval < end:
        frozen.tick(settings.touch_interval)
        expires_at = min(frozen.time + settings.idle_timeout + settings.touch_interval, end)
        used = replace(made.session, last_active=frozen.time, expires_at=expires_at)
        assert sessions.validate(made.session_token) == used

    frozen.time = end - 1
    assert is_live(sessions, made)
    frozen.time = end
    assert not is_live(sessions, made)


def test_touch_is_written_in_the_second_of_its_interval(
    sessions: SessionService, database: Database, settings: Settings, frozen: FrozenClock
) -> None:
    made = sessions.sign_in(OWNER, "Claude")
    tables, last = database.tables(), made.session
    touch = settings.touch_interval
    # From the sign-in, and from a touch, if the session lives for so long.
    for _ in range(min(2, (settings.lifetime - 1) // touch)):
        frozen.tick(touch - 1)
        assert sessions.validate(made.session_token) == last
        assert tables.sessions.get_session(last.agent_id, last.session_id) == last
        frozen.tick(1)
        expires_at = min(frozen.time + settings.idle_timeout + touch, last.ends_at)
        last = replace(last, last_active=frozen.time, expires_at=expires_at)
        assert sessions.validate(made.session_token) == last
        assert tables.sessions.get_session(last.agent_id, last.session_id) == last, "the response equals the item"


def test_agent_is_updated_in_the_second_that_starts_an_interval(
    sessions: SessionService, database: Database, settings: Settings, frozen: FrozenClock, start: int
) -> None:
    touch, interval = settings.touch_interval, settings.last_seen_interval
    edge = start + 10 * interval
    updated = []
    for second in (edge - 1, edge):
        frozen.time = second - touch
        made = sessions.sign_in(OWNER, f"Agent {second}")
        frozen.time = second
        assert is_live(sessions, made) == (touch < settings.lifetime)
        updated.append(last_active(database, made) == second)

    # A touch that is an interval after the previous use is always the first of an interval; others only at the edge.
    lives = touch < settings.lifetime
    assert updated == [lives and touch >= interval, lives]


def test_last_active_of_agent_is_less_than_an_interval_behind(
    sessions: SessionService, database: Database, settings: Settings, frozen: FrozenClock, start: int
) -> None:
    made = sessions.sign_in(OWNER, "Claude")
    for _ in range(30):
        frozen.tick(max(settings.touch_interval, 7) + 1)
        try:
            used = sessions.validate(made.session_token)
        except InvalidSessionError:
            made = sessions.sign_in(OWNER, "Claude")
            continue
        assert 0 <= used.last_active - last_active(database, made) < settings.last_seen_interval


def test_cache_forgets_in_the_second_of_its_expiry(
    sessions: SessionService, agents: AgentService, settings: Settings, frozen: FrozenClock
) -> None:
    # A due touch or the end of the session may come before the end of the cache.
    remembered = min(settings.session_cache, settings.touch_interval, settings.lifetime)
    made = sessions.sign_in(OWNER, "Claude")
    sessions.validate(made.session_token)
    agents.end_session(OWNER, made.session.agent_id, made.session.session_id)
    live = []
    for _ in range(remembered + 2):
        live.append(is_live(sessions, made))
        frozen.tick(1)

    # Used every second: a read from the cache does not prolong the entry.
    assert live == [True] * remembered + [False] * 2


def test_cached_session_ends_with_its_lifetime(
    sessions: SessionService, settings: Settings, frozen: FrozenClock
) -> None:
    made = sessions.sign_in(OWNER, "Claude")
    end = made.session.ends_at
    used_to_the_end(sessions, frozen, [made])
    # From two uses, neither so late that a touch falls due between them and the end, if there is a cache.
    for second in (end - 1 - min(settings.session_cache, settings.touch_interval) // 2, end - 1):
        frozen.time = max(frozen.time, second)
        assert is_live(sessions, made)

    frozen.time = end
    assert not is_live(sessions, made)


def test_clock_set_back_prolongs_nothing(
    sessions: SessionService, agents: AgentService, settings: Settings, frozen: FrozenClock, start: int
) -> None:
    kept, ended = (sessions.sign_in(OWNER, "Claude") for _ in range(2))
    for each in (kept, ended):
        sessions.validate(each.session_token)
    agents.end_session(OWNER, ended.session.agent_id, ended.session.session_id)
    frozen.time = start - 1

    assert not is_live(sessions, ended), "what was remembered at a later second is not believed"
    assert sessions.validate(kept.session_token) == kept.session
    frozen.time = start
    assert not is_live(sessions, ended)
    assert sessions.validate(kept.session_token) == kept.session, "use at an earlier second is not recorded"
