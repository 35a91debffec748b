from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from agent_sessions.domain.models import Session
from agent_sessions.services.session_cache import MAX_SESSIONS, SessionCache

NOW = 1_700_000_000
SESSION = Session(
    agent_id="4635ae41-c03a-534d-87c4-05465526a836",
    session_id="ea866a75-7e4c-38ba-bfa8-127cbe9a409d",
    owner="public",
    agent_name="Claude",
    context=None,
    created_at=NOW,
    last_active=NOW,
    expires_at=NOW + 1800,
    ends_at=NOW + 43200,
    idle_seconds=1800,
    sign_in_number=1,
    incarnation="ea866a75-7e4c-88ba-bfa8-127cbe9a409d",
)
ID = SESSION.session_id


def numbered(number: int) -> Session:
    return replace(SESSION, session_id=f"session-{number}")


def known(cache: SessionCache, count: int) -> list[int]:
    return [number for number in range(count) if cache.get(f"session-{number}", NOW) is not None]


def test_get_returns_the_session_by_its_id() -> None:
    cache = SessionCache(10)
    cache.remember(SESSION, NOW, cache.generation)

    assert cache.get(ID, NOW) is SESSION
    assert cache.get(SESSION.agent_id, NOW) is None


def test_empty_cache_returns_none() -> None:
    cache = SessionCache(10)

    assert cache.get(ID, NOW) is None
    assert len(cache) == 0


@pytest.mark.parametrize(
    ("seconds", "age", "found"), [(10, 0, True), (10, 9, True), (10, 10, False), (1, 0, True), (1, 1, False)]
)
def test_entry_expires_after_the_cache_seconds(seconds: int, age: int, found: bool) -> None:
    cache = SessionCache(seconds)
    cache.remember(SESSION, NOW, cache.generation)

    assert (cache.get(ID, NOW + age) is not None) is found


def test_get_does_not_prolong_an_entry() -> None:
    cache = SessionCache(10)
    cache.remember(SESSION, NOW, cache.generation)

    assert [cache.get(ID, NOW + age) is not None for age in (3, 6, 9, 10)] == [True, True, True, False]


def test_remember_replaces_the_entry_and_restarts_its_time() -> None:
    cache = SessionCache(10)
    touched = replace(SESSION, last_active=NOW + 5)
    cache.remember(SESSION, NOW, cache.generation)
    cache.remember(touched, NOW + 5, cache.generation)

    assert cache.get(ID, NOW + 14) is touched
    assert cache.get(ID, NOW + 15) is None
    assert len(cache) == 0


def test_session_forgotten_while_it_was_read_is_not_remembered() -> None:
    cache = SessionCache(10)
    generation = cache.generation
    cache.forget(ID)
    cache.remember(SESSION, NOW, generation)

    assert cache.get(ID, NOW) is None


def test_threads_that_remember_read_and_forget_raise_nothing() -> None:
    cache = SessionCache(10, max_sessions=20)

    def work(seed: int) -> None:
        for number in range(2000):
            each = numbered((number * 7 + seed) % 30)
            cache.remember(each, NOW, cache.generation)
            cache.get(each.session_id, NOW + number % 12)
            if number % 5 == 0:
                cache.forget(numbered(number % 30).session_id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(cache) <= 20


def test_expired_entry_is_dropped() -> None:
    cache = SessionCache(10)
    cache.remember(SESSION, NOW, cache.generation)

    assert cache.get(ID, NOW + 10) is None
    assert cache.get(ID, NOW) is None
    assert len(cache) == 0


def test_clock_set_back_drops_the_entry() -> None:
    cache = SessionCache(10)
    cache.remember(SESSION, NOW, cache.generation)

    assert cache.get(ID, NOW - 1) is None
    assert cache.get(ID, NOW) is None


@pytest.mark.parametrize("seconds", [0, -1])
def test_zero_seconds_disables_the_cache(seconds: int) -> None:
    cache = SessionCache(seconds)
    cache.remember(SESSION, NOW, cache.generation)

    assert len(cache) == 0
    assert cache.get(ID, NOW) is None


def test_forget_drops_only_its_session() -> None:
    cache = SessionCache(10)
    for number in range(3):
        cache.remember(numbered(number), NOW, cache.generation)
    cache.forget("session-1")
    cache.forget("never there")

    assert known(cache, 3) == [0, 2]


def test_full_cache_drops_the_least_recently_remembered() -> None:
    cache = SessionCache(10, max_sessions=3)
    for number in (0, 1, 2, 0, 3):
        cache.remember(numbered(number), NOW, cache.generation)

    assert known(cache, 4) == [0, 2, 3]
    assert len(cache) == 3


def test_remembering_again_takes_no_more_room() -> None:
    cache = SessionCache(10, max_sessions=2)
    for _ in range(5):
        cache.remember(numbered(0), NOW, cache.generation)
    cache.remember(numbered(1), NOW, cache.generation)

    assert known(cache, 2) == [0, 1]
    assert len(cache) == 2


def test_cache_holds_at_most_10000_sessions() -> None:
    cache = SessionCache(10)
    for number in range(MAX_SESSIONS + 5):
        cache.remember(numbered(number), NOW, cache.generation)

    assert len(cache) == MAX_SESSIONS == 10_000
    assert cache.get("session-4", NOW) is None
    assert cache.get("session-5", NOW) is not None
