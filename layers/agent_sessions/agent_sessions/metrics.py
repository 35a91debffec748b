"""The names of what is counted; who counts, and where to, is not this package's business."""

from collections.abc import Callable
from enum import StrEnum


class Metric(StrEnum):
    """Something that happened once; a CloudWatch metric of unit Count."""

    SIGN_INS = "SignIns"
    AGENTS_CREATED = "AgentsCreated"
    AGENTS_RECOGNISED = "AgentsRecognised"
    VALIDATIONS = "Validations"
    REJECTED_TOKENS = "RejectedTokens"
    SIGN_OUTS = "SignOuts"
    TOUCHES = "Touches"
    TOUCH_FAILURES = "TouchFailures"
    DATABASE_ERRORS = "DatabaseErrors"


type Count = Callable[[Metric], None]


def discard_count(_: Metric) -> None:
    """Count nothing."""
