"""Explores operations in one world, and checks what every order led to, then and some time later."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from agent_sessions.domain.models import SignedIn
from agent_sessions.errors import InvalidSessionError
from tests.orders.container import Services
from tests.orders.explorer import Explorer, Fault, Operation, Stored, Use
from tests.orders.rules import LATER, Scene, broken_by_use, broken_later, broken_rules
from tests.orders.worlds import NAME, NOW, OWNER, SETTINGS, World
from tests.orders.writes import BrokenRuleError, check_write


class Proof:
    """All explorations of one world.

    Args:
        world: What every operation begins with.

    Attributes:
        orders: How many orders were explored.
        outcomes: How many different outcomes they had.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.orders = 0
        self.outcomes = 0
        self._explorer = Explorer(world.state, world.settings, check_write)
        self._later: dict[tuple[str, Stored, tuple[str, ...]], Stored] = {}

    def check(self, *operations: Operation, faults: int = 0, kinds: Sequence[Fault] = tuple(Fault)) -> None:
        """Explore every order of the calls of operations; raise BrokenRuleError if one breaks a rule."""
        exploration = self._explorer.explore(*operations, faults=faults, kinds=kinds)
        self.orders += exploration.orders
        self.outcomes += len(exploration.outcomes)
        for outcome in exploration.outcomes:
            scene = Scene.of(self.world, outcome)
            for rule in self._broken(scene):
                raise BrokenRuleError(_explained(scene, rule))

    def _broken(self, scene: Scene) -> Iterator[str]:
        yield from broken_rules(scene)
        for use in (_use_often, _report_once):
            later = self._after(use, scene)
            yield from broken_later(scene, later)
            yield from broken_by_use(scene, later)
        yield from broken_later(scene, self._after(_sign_in_again, scene))

    def _after(self, use: "_Later", scene: Scene) -> Stored:
        key = (use.__name__, scene.outcome.stored, tuple(each.session_token for each in scene.known))
        if key not in self._later:
            self._later[key] = use(self._explorer, scene.outcome.stored, scene.known)
        return self._later[key]


type _Later = Callable[[Explorer, Stored, Sequence[SignedIn]], Stored]


def _use_often(explorer: Explorer, stored: Stored, known: Sequence[SignedIn]) -> Stored:
    """Validate every session once per touch interval."""
    return explorer.run(stored, *_often(known))


def _report_once(explorer: Explorer, stored: Stored, known: Sequence[SignedIn]) -> Stored:
    """Let every session report progress at the end of the interval."""
    return explorer.run(stored, *((LATER, _report(each)) for each in known))


def _sign_in_again(explorer: Explorer, stored: Stored, known: Sequence[SignedIn]) -> Stored:
    """Unblock the agent if it is blocked, sign in again, and use every session, the new one too."""
    made: list[SignedIn] = []
    blocked = [each.agent_id for each in stored.agents.values() if each.blocked]
    stored = explorer.run(
        stored,
        *((NOW, _unblock(each)) for each in blocked),
        (NOW, lambda services: made.append(services.sessions.sign_in(OWNER, NAME))),
    )
    stored = explorer.run(stored, *_often([*known, *made]))
    if made[0].session.session_id not in stored.sessions:
        raise BrokenRuleError(f"ended although it signed in afterwards: {made[0].session}")
    return stored


def _often(known: Sequence[SignedIn]) -> Iterator[Use]:
    for now in range(NOW + SETTINGS.touch_interval, LATER + 1, SETTINGS.touch_interval):
        for each in known:
            yield now, _validate(each)


def _validate(made: SignedIn) -> Callable[[Services], None]:
    def use(services: Services) -> None:
        with suppress(InvalidSessionError):
            services.sessions.validate(made.session_token)

    return use


def _report(made: SignedIn) -> Callable[[Services], None]:
    def use(services: Services) -> None:
        with suppress(InvalidSessionError):
            services.sessions.report_progress(made.session_token, {"state": "idle"})

    return use


def _unblock(agent_id: str) -> Callable[[Services], object]:
    return lambda services: services.agents.unblock(OWNER, agent_id)


def _explained(scene: Scene, rule: str) -> str:
    outcome = scene.outcome
    results = [f"{each.seed}: {result!r}" for each, result in zip(outcome.operations, outcome.results, strict=True)]
    return "\n  ".join([f"{rule}\nin the world {scene.world!s}, with", *results, "after", *outcome.path])
