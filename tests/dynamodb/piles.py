"""Partitions that are far larger than they should be."""

import random
import uuid
from dataclasses import dataclass, replace
from typing import Any

from agent_sessions.domain.models import Session, SignedIn
from agent_sessions.services.sessions import SessionService
from tests.support.database import OWNER, Database, NewClient, fill

NAME = "Busy"


@dataclass(frozen=True, slots=True)
class Pile:
    """An agent with many sessions, one of which has a user.

    Args:
        made: The session with a user, the first of all.
        live: All live sessions, by session_id.
        stored: How many items there are.
    """

    made: SignedIn
    live: list[Session]
    stored: int

    @property
    def agent_id(self) -> str:
        """The agent."""
        return self.made.session.agent_id


def pile(
    database: Database,
    new_fast_client: NewClient,
    *,
    live: int,
    dead: int,
    now: int,
    times: dict[str, Any] | None = None,
) -> Pile:
    """Let an agent sign in as often as that; the next sign-in is due to sweep.

    Args:
        database: Where to.
        new_fast_client: Writes the sessions.
        live: How many are live.
        dead: How many have ended.
        now: The time.
        times: Why they have ended: by default, they were unused for too long.
    """
    made = SessionService(database.tables(), database.settings).sign_in(OWNER, NAME)
    numbers = random.Random(live + dead)  # noqa: S311  the same each time
    ended: dict[str, Any] = {"expires_at": now - 61} if times is None else times
    more = [
        replace(
            made.session,
            session_id=str(uuid.UUID(int=numbers.getrandbits(128))),
            sign_in_number=number,
            last_active=now - numbers.randrange(1000),
            **({} if number <= live else ended),
        )
        for number in range(2, live + dead + 1)
    ]
    fill(database, more, new_fast_client())
    database.count_sign_ins(made.session.agent_id, live + dead)
    stored = sorted([made.session, *more], key=lambda each: each.session_id)
    return Pile(
        made, [each for each in stored if each.is_live(now, database.settings.sessions_not_before)], len(stored)
    )
