"""The names of the counted metrics. Services call a ``Count`` for each event; its provider decides where counts go."""

from collections.abc import Callable
from enum import StrEnum


class Metric(StrEnum):
    """An event to count; each is a CloudWatch metric of the unit Count."""

    SIGN_INS = "SignIns"
    AGENTS_CREATED = "AgentsCreated"
    AGENTS_RECOGNISED = "AgentsRecognised"
    VALIDATIONS = "Validations"
    REJECTED_TOKENS = "RejectedTokens"
    SIGN_OUTS = "SignOuts"
    TOUCHES = "Touches"
    TOUCH_FAILURES = "TouchFailures"
    END_FAILURES = "EndFailures"
    SWEEP_FAILURES = "SweepFailures"
    DATABASE_ERRORS = "DatabaseErrors"


type Count = Callable[[Metric], None]


def discard_count(_: Metric) -> None:
    """Record nothing."""
