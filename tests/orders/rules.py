"""What must be true when all operations have ended, whatever the order of their calls."""

from collections.abc import Iterator
from dataclasses import dataclass

from agent_sessions.domain.models import Session, SignedIn
from agent_sessions.errors import AgentBlockedError, DatabaseError, InvalidSessionError, NotFoundError
from tests.orders.explorer import Outcome, Stored
from tests.orders.worlds import DERIVED_ID, LIMIT, NOW, SETTINGS, World

# Whatever was in flight at NOW is dead by then, if it is in use.
LATER = NOW + SETTINGS.last_seen_interval + SETTINGS.touch_interval

SIGN_INS = ("sign in", "sign in exclusively", "create again")
DELETIONS = ("delete", "create again")
VALIDATIONS = ("touch", "touch other", "rely", "report progress")
CONTROLS = ("block", "unblock", "delete", "end all", "create again")
END_ONE = ("sign out", "end one")

ERRORS: dict[str, tuple[type[Exception], ...]] = {
    **dict.fromkeys(SIGN_INS, (AgentBlockedError,)),
    **dict.fromkeys(VALIDATIONS, (InvalidSessionError,)),
    **dict.fromkeys((*CONTROLS, "end one"), (NotFoundError,)),
    "sign out": (),
    "end all of owner": (),
    "create again": (AgentBlockedError, NotFoundError),
}
"""The errors of each operation, apart from those of the database."""


@dataclass(frozen=True, slots=True)
class Scene:
    """An outcome, and who has a token.

    Args:
        world: What the operations began with.
        outcome: What they led to.
        known: The sessions with a user: those of the world, and those of the sign-ins that returned.
    """

    world: World
    outcome: Outcome
    known: tuple[SignedIn, ...]

    @classmethod
    def of(cls, world: World, outcome: Outcome) -> "Scene":
        """Return the scene of an outcome."""
        signed_in = (each for each in outcome.results if isinstance(each, SignedIn))
        return cls(world, outcome, (*world.known, *signed_in))

    @property
    def stored(self) -> Stored:
        """The items at the end."""
        return self.outcome.stored

    @property
    def names(self) -> list[str]:
        """What the operations do."""
        return [each.name for each in self.outcome.operations]

    @property
    def database_responds(self) -> bool:
        """Whether every call got a response in the end."""
        return not any("no time" in step or "not applied" in step for step in self.outcome.path)

    @property
    def may_be_created_twice(self) -> bool:
        """Whether a sign-in that is sent again can create its incarnation again, after a deletion in between.

        docs/reliability.md describes this as not covered.
        """
        is_repeated = any(
            ":UpdateItem" in step and "sent again" in step and step.partition(":")[0][2:] in SIGN_INS
            for step in self.outcome.path
        )
        return is_repeated and self.outcome.faults > 1 and self.ran(*DELETIONS)

    def ran(self, *names: str) -> bool:
        """Return whether an operation with one of these names ran."""
        return any(each in names for each in self.names)

    def results(self, *names: str) -> Iterator[tuple[int, object]]:
        """Yield the place and the result of each operation with one of these names."""
        for place, name in enumerate(self.names):
            if name in names:
                yield place, self.outcome.results[place]

    def done_before(self, place: int) -> set[str]:
        """Return what had succeeded before an operation began."""
        done = (each for each in self.outcome.after[place] if not isinstance(self.outcome.results[each], Exception))
        return {self.names[each] for each in done}

    def admits(self, session: Session) -> bool:
        """Return whether the agent admits a session: a session that it does not admit is dead."""
        agent = self.stored.agents.get(session.agent_id)
        return agent is not None and agent.admits(session)

    def is_usable(self, session: Session) -> bool:
        """Return whether a session is stored, live and admitted."""
        stored = self.stored.sessions.get(session.session_id)
        return stored is not None and stored.is_live(NOW) and self.admits(stored)

    def is_to_end(self, session: Session) -> bool:
        """Return whether an operation is to end this session otherwise than by a fence."""
        used = self.world.used
        is_used = used is not None and session.session_id == used.session.session_id
        may_be_swept = self.world.settings.max_sessions_per_agent == LIMIT and any(
            isinstance(each, SignedIn) and session.is_older_than(each.session) for each in self.outcome.results
        )
        return self.ran("end all of owner") or (is_used and self.ran(*END_ONE)) or may_be_swept


def broken_rules(scene: Scene) -> Iterator[str]:
    """Yield the rules that an outcome breaks."""
    yield from _undocumented_errors(scene)
    yield from _unjust_rejections(scene)
    yield from _lost_sessions(scene)
    yield from _revived_sessions(scene)
    yield from _sign_ins(scene)
    yield from _refusals(scene)
    yield from _exclusive(scene)
    yield from _controls(scene)
    yield from _sweeps(scene)


def _undocumented_errors(scene: Scene) -> Iterator[str]:
    for name, result in zip(scene.names, scene.outcome.results, strict=True):
        may_lose = name in DELETIONS and (scene.ran("unblock") or scene.may_be_created_twice)
        may_fail = may_lose or not scene.database_responds
        documented = (*ERRORS[name], *((DatabaseError,) if may_fail else ()))
        if isinstance(result, Exception) and not isinstance(result, documented):
            yield f"{name} raises {result!r}"
        if isinstance(result, NotFoundError) and _exists(scene) and not scene.ran(*DELETIONS):
            yield f"{name}: 404 for an agent that exists"


def _unjust_rejections(scene: Scene) -> Iterator[str]:
    """A 401 is for dead sessions, and stays right."""
    for place, result in scene.results(*VALIDATIONS):
        made = scene.world.other if scene.names[place] == "touch other" else scene.world.used
        assert made is not None
        # By a clock that is ahead a session may have expired before another one extends it.
        was_live = made.session.is_live(scene.outcome.operations[place].now)
        if isinstance(result, InvalidSessionError) and was_live and scene.is_usable(made.session):
            yield f"401 for a live session: {made.session}"


def _lost_sessions(scene: Scene) -> Iterator[str]:
    """A live session that its agent admits is ended by nothing but an operation that is to end it."""
    for each in scene.known:
        is_lost = each.session.is_live(NOW) and scene.admits(each.session) and not scene.is_usable(each.session)
        if is_lost and not scene.is_to_end(each.session):
            yield f"ended by somebody else's race: {each.session}"


def _revived_sessions(scene: Scene) -> Iterator[str]:
    """What was ended stays ended, and operations that begin later see it."""
    used = scene.world.used
    for place, result in scene.results(*END_ONE):
        if not isinstance(result, Exception) and used and used.session.session_id in scene.stored.sessions:
            yield f"revived after {scene.names[place]}: {used.session}"
    for place, result in scene.results(*VALIDATIONS):
        ends = {"block", "end all", *DELETIONS, *(END_ONE if scene.names[place] != "touch other" else ())}
        # A validation whose healing fails succeeds: healing waits an interval more.
        if isinstance(result, Session) and scene.database_responds and ends & scene.done_before(place):
            yield f"valid after {ends & scene.done_before(place)}: {result}"


def _sign_ins(scene: Scene) -> Iterator[str]:
    """Each session has its own number, and one sign-in creates an incarnation."""
    made = [each for _, each in scene.results(*SIGN_INS) if isinstance(each, SignedIn)]
    numbers = [(each.session.incarnation, each.session.sign_in_number) for each in scene.known]
    if len(set(numbers)) != len(numbers) and not scene.ran(*DELETIONS):
        yield f"two sessions with one number: {numbers}"
    for incarnation in {each.session.incarnation for each in made}:
        of_it = [each for each in made if each.session.incarnation == incarnation]
        creators = [each for each in of_it if not each.reused]
        is_new = of_it[0].session.agent_id == DERIVED_ID and not any(
            each.session.incarnation == incarnation for each in scene.world.known
        )
        if len(creators) > is_new:
            yield f"{len(creators)} sign-ins created the incarnation {incarnation}"
        if is_new and not creators and scene.outcome.faults == 0:
            yield f"no sign-in created the incarnation {incarnation}"
        if any(each.session.session_id != incarnation for each in creators):
            yield f"a sign-in says that it created an agent that another one created: {creators}"


def _refusals(scene: Scene) -> Iterator[str]:
    """An agent signs in unless it is blocked."""
    was_blocked = scene.world.name == "blocked"
    for place, result in scene.results(*SIGN_INS):
        done = scene.done_before(place)
        if isinstance(result, SignedIn) and (was_blocked or "block" in done) and not scene.ran("unblock", *DELETIONS):
            yield f"signed in although blocked: {result.session}"
        if isinstance(result, AgentBlockedError) and not scene.ran("block"):
            if not scene.ran(*DELETIONS) and (not was_blocked or "unblock" in done):
                yield "refused although nobody blocks the agent"
            if _count(scene, DELETIONS) == 1 and done & set(DELETIONS):
                yield "refused although the agent was deleted"


def _exclusive(scene: Scene) -> Iterator[str]:
    """Of exclusive sign-ins the latest stays, and none before it."""
    exclusive = [each.session for _, each in scene.results("sign in exclusively") if isinstance(each, SignedIn)]
    for each in scene.known:
        if scene.admits(each.session) and any(each.session.is_older_than(latest) for latest in exclusive):
            yield f"not behind the fence of a later exclusive sign-in: {each.session}"
    # The others may be in flight, or admit that the database failed: they are left to the fence.
    if exclusive and scene.outcome.faults == 0 and not scene.ran("sign in", *CONTROLS, "end all of owner"):
        latest = max(exclusive, key=lambda each: each.sign_in_number)
        expired = {each.session.session_id for each in scene.world.known if not each.session.is_live(NOW)}
        live = {
            each.session_id
            for each in scene.stored.sessions.values()
            if each.incarnation == latest.incarnation and each.is_live(NOW)
        }
        if live - expired != {latest.session_id}:
            yield f"the latest exclusive session is not alone: {live}"


def _controls(scene: Scene) -> Iterator[str]:
    """What an owner asked for has happened."""
    for place, result in scene.results("block", "end all", *DELETIONS):
        left = [each for each in scene.world.known if scene.admits(each.session)]
        if not isinstance(result, Exception) and left:
            yield f"not ended by {scene.names[place]}: {left}"
    agent = scene.stored.agents.get(scene.world.agent_id)
    for place, result in scene.results("block", "unblock", "delete"):
        name = scene.names[place]
        is_alone = not scene.ran(*({"block", "unblock", *DELETIONS} - {name}))
        if name == "delete" and isinstance(result, DatabaseError) and scene.outcome.faults == 0:
            if agent is None and _count(scene, DELETIONS) == 1:
                yield "deleted, but the response is an error"
            if agent is not None and not agent.blocked and is_alone:
                yield f"neither deleted nor blocked: {agent}"
        if isinstance(result, Exception):
            continue
        if name == "block" and is_alone and not (agent and agent.blocked):
            yield "not blocked after block"
        if name == "unblock" and is_alone and agent and agent.blocked:
            yield "blocked after unblock"
        if name == "delete" and agent and scene.world.incarnation == (agent.incarnation or "none"):
            yield f"not deleted: {agent}"


def _sweeps(scene: Scene) -> Iterator[str]:
    """A sweep leaves as many sessions as allowed, and ends none that is used between its read and its deletion."""
    if scene.world.settings.max_sessions_per_agent != LIMIT or scene.ran(
        "sign in exclusively", *CONTROLS, *END_ONE, "end all of owner"
    ):
        return
    live = [each for each in scene.stored.sessions.values() if each.is_live(NOW)]
    if len(live) < LIMIT:
        yield f"a sweep leaves too few sessions: {live}"
    # Of three operations a sweep may begin after the use, and end what was used before the others.
    for place, result in scene.results(*VALIDATIONS) if len(scene.names) == 2 else ():
        was_recorded = isinstance(result, Session) and result.last_active == scene.outcome.operations[place].now
        if was_recorded and isinstance(result, Session) and result.session_id not in scene.stored.sessions:
            yield f"a sweep ends a session that was just used: {result}"


def _count(scene: Scene, names: tuple[str, ...]) -> int:
    return sum(each in names for each in scene.names)


def _exists(scene: Scene) -> bool:
    return scene.world.incarnation is not None


# -- some time later


def broken_later(scene: Scene, later: Stored) -> Iterator[str]:
    """Yield the dead sessions that are in use after every session with a user was used for an interval."""
    for each in scene.known:
        stored, agent = later.sessions.get(each.session.session_id), later.agents.get(each.session.agent_id)
        if stored is not None and stored.is_live(LATER) and not (agent and agent.admits(stored)):
            yield f"in use although it is dead: {stored}"


def broken_by_use(scene: Scene, later: Stored) -> Iterator[str]:
    """Yield the usable sessions that their own use has ended."""
    for each in scene.known:
        if scene.is_usable(each.session) and each.session.session_id not in later.sessions:
            yield f"ended by its own use although it is live: {each.session}"
