"""The time that a small Lambda function has for a request, on any machine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from agent_sessions.deadline import TIME_LIMIT_SECONDS
from agent_sessions.dynamodb.transport import DynamoResponse, Request, Transport

MEGABYTES = 512  # the default of template.yaml
# 1,769 MB are one processor. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
PROCESSOR = MEGABYTES / 1769


class FunctionTime:
    """A clock for ``agent_sessions.clock.monotonic`` that counts the time of a function of 512 MB.

    That is the time of its share of a processor, and of its calls to DynamoDB. Nothing waits, and only the work of
    this thread counts, so a busy machine changes nothing.

    Args:
        call_seconds: How long a call to DynamoDB takes.
    """

    def __init__(self, call_seconds: float) -> None:
        self._call_seconds = call_seconds
        self.calls: list[str] = []

    def __call__(self) -> float:
        """Return the seconds so far."""
        return time.thread_time() / PROCESSOR + len(self.calls) * self._call_seconds

    def over(self, transport: Transport) -> Transport:
        """Return a transport whose calls take their time."""

        def call(operation: str, request: Request) -> DynamoResponse:
            try:
                return transport(operation, request)
            finally:
                self.calls.append(operation)

        return call

    @contextmanager
    def request(self) -> Iterator[None]:
        """Raise TimeoutError if the block takes longer than a request may."""
        begin = self()
        yield
        if (seconds := self() - begin) >= TIME_LIMIT_SECONDS:
            raise TimeoutError(f"the request took {seconds:.1f} s")
