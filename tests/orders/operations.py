"""The operations that are explored against each other."""

from collections.abc import Callable

from tests.orders.container import Services
from tests.orders.explorer import Operation
from tests.orders.worlds import NAME, NOW, OWNER, World

type Act = Callable[[Services, World], object]


def _create_again(services: Services, world: World) -> object:
    services.agents.delete(OWNER, world.agent_id)
    return services.sessions.sign_in(OWNER, NAME)


BY_NAME: dict[str, Act] = {
    "sign in": lambda services, _: services.sessions.sign_in(OWNER, NAME),
    "sign in exclusively": lambda services, _: services.sessions.sign_in(OWNER, NAME, exclusive=True),
    "block": lambda services, world: services.agents.block(OWNER, world.agent_id),
    "unblock": lambda services, world: services.agents.unblock(OWNER, world.agent_id),
    "delete": lambda services, world: services.agents.delete(OWNER, world.agent_id),
    "end all": lambda services, world: services.agents.end_all_sessions(OWNER, world.agent_id),
    "create again": _create_again,
    "end all of owner": lambda services, _: services.roster.end_all_sessions(OWNER),
}
"""What can be done in every world. A sign-in sweeps in the worlds that are about to."""


def _used(world: World) -> str:
    assert world.used is not None
    return world.used.session_token


def _other(world: World) -> str:
    assert world.other is not None
    return world.other.session_token


def _end_one(services: Services, world: World) -> None:
    assert world.used is not None
    session = world.used.session
    services.agents.end_session(OWNER, session.agent_id, session.session_id)


WITH_SESSION: dict[str, Act] = {
    "touch": lambda services, world: services.sessions.validate(_used(world)),
    "touch other": lambda services, world: services.sessions.validate(_other(world)),
    "rely": lambda services, world: services.relying.validate(_used(world)),
    "report progress": lambda services, world: services.sessions.report_progress(_used(world), {"state": "working"}),
    "sign out": lambda services, world: services.sessions.sign_out(_used(world)),
    "end one": _end_one,
}
"""What needs a session."""


def names(world: World) -> tuple[str, ...]:
    """Return the operations that are possible in a world."""
    return (*BY_NAME, *(WITH_SESSION if world.used else ()))


def operation(world: World, name: str, place: str, clock: int = 0) -> Operation:
    """Return an operation of one container.

    Args:
        world: What it begins with.
        name: What it does.
        place: Which container: two have different random numbers.
        clock: How far its clock is ahead.
    """
    act = (BY_NAME | WITH_SESSION)[name]
    return Operation(name, lambda services: act(services, world), NOW + clock, f"{place}-{name}")
