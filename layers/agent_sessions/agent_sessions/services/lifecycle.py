"""Lifecycle events: changes of agents and sessions, put on the default bus of Amazon EventBridge."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import batched
from typing import TYPE_CHECKING, Any, Literal

from agent_sessions import aws_clients
from agent_sessions.aws_clients import CALL_ERRORS
from agent_sessions.domain.models import Agent, Session
from agent_sessions.domain.times import timestamp
from agent_sessions.domain.tokens import redact
from agent_sessions.dynamodb.client import REPORT_CLIENT_CONFIG
from agent_sessions.dynamodb.stream import Change, read_change
from agent_sessions.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient

SOURCE = "agent-sessions"
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
ENTRIES_PER_CALL = 10
ATTEMPTS = 3

type Reason = Literal["expired", "ended"]
type Record = Mapping[str, Any]


class DetailType(StrEnum):
    """The kinds of lifecycle events."""

    AGENT_CREATED = "Agent Created"
    AGENT_BLOCKED = "Agent Blocked"
    AGENT_UNBLOCKED = "Agent Unblocked"
    AGENT_DELETED = "Agent Deleted"
    SESSION_STARTED = "Session Started"
    SESSION_ENDED = "Session Ended"
    STOP_REQUESTED = "Stop Requested"


@dataclass(frozen=True, slots=True)
class LifecycleEvent:
    """Something that happened to an agent or to a session.

    Args:
        detail_type: What happened.
        subject: The agent or session: as it is now or, if it was deleted, as it was.
        at: When it happened (epoch seconds).
        sequence_number: The number of the change in the table's stream.
        reason: Why a session ended.
    """

    detail_type: DetailType
    subject: Agent | Session
    at: int
    sequence_number: str
    reason: Reason | None = None


def event_of(change: Change) -> LifecycleEvent | None:
    """Return the event of a change; None for a change such as a touch."""
    match change:
        case Change(before=None, after=Agent() | Session() as new):
            kind = DetailType.AGENT_CREATED if isinstance(new, Agent) else DetailType.SESSION_STARTED
            return LifecycleEvent(kind, new, change.at, change.sequence_number)
        case Change(before=Agent() as old, after=None):
            return LifecycleEvent(DetailType.AGENT_DELETED, old, change.at, change.sequence_number)
        case Change(before=Session() as old, after=None):
            # A deletion by TTL looks like one by the report, by a request or by hand.
            reason: Reason = "expired" if old.expires_at <= change.at else "ended"
            return LifecycleEvent(DetailType.SESSION_ENDED, old, change.at, change.sequence_number, reason)
        case Change(before=Agent() as old, after=Agent() as new) if old.blocked != new.blocked:
            kind = DetailType.AGENT_BLOCKED if new.blocked else DetailType.AGENT_UNBLOCKED
            return LifecycleEvent(kind, new, change.at, change.sequence_number)
        case Change(before=Session() as old, after=Session() as new) if new.stop_requested not in (
            None,
            old.stop_requested,
        ):
            return LifecycleEvent(DetailType.STOP_REQUESTED, new, change.at, change.sequence_number)
    return None


@dataclass(slots=True)
class Published:
    """The outcome of one batch of records.

    Args:
        put: Events that EventBridge accepted.
        queued: Events that it did not accept, and that are in the queue.
        unreadable: Sequence numbers of records whose item is neither an agent nor a session.
        failed: Sequence numbers of records whose event could neither be put nor queued.
        causes: Error codes of EventBridge, and names of exceptions.
    """

    put: int = 0
    queued: int = 0
    unreadable: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    causes: set[str] = field(default_factory=set)


class LifecyclePublisher:
    """Puts the events of stream records on the default bus, or else into a queue.

    Args:
        events: An EventBridge client. IAM: ``events:PutEvents`` on the default bus.
        queue: An SQS client. IAM: ``sqs:SendMessage`` on the queue.
        queue_url: The queue of events that could not be put.
        agent_body: Returns the public fields of an agent.
        session_body: Returns the public fields of a session.
    """

    def __init__(
        self,
        events: "EventBridgeClient",
        queue: "SQSClient",
        queue_url: str,
        agent_body: Callable[[Agent], Mapping[str, Any]],
        session_body: Callable[[Session], Mapping[str, Any]],
    ) -> None:
        self._events = events
        self._queue = queue
        self._queue_url = queue_url
        self._agent_body = agent_body
        self._session_body = session_body

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        agent_body: Callable[[Agent], Mapping[str, Any]],
        session_body: Callable[[Session], Mapping[str, Any]],
    ) -> "LifecyclePublisher":
        """Return the publisher of a deployment, with clients of its own."""
        events: EventBridgeClient = aws_clients.create_client("events", REPORT_CLIENT_CONFIG)
        queue: SQSClient = aws_clients.create_client("sqs", REPORT_CLIENT_CONFIG)
        return cls(events, queue, settings.dead_letter_queue, agent_body, session_body)

    def publish(self, records: Sequence[Record]) -> Published:
        """Put the event of each record that has one, in the order of the records.

        An event that EventBridge does not accept goes into the queue, so that it holds up no other.
        """
        published = Published()
        for batch in batched(self._read(records, published), ENTRIES_PER_CALL, strict=False):
            for event in self._put(batch, published):
                try:
                    self._queue.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(self._entry(event)))
                    published.queued += 1
                except CALL_ERRORS as error:
                    published.causes.add(type(error).__name__)
                    published.failed.append(event.sequence_number)
        return published

    @staticmethod
    def _read(records: Sequence[Record], published: Published) -> Iterator[LifecycleEvent]:
        for record in records:
            change = read_change(record)
            if change is None:
                published.unreadable.append(record["dynamodb"]["SequenceNumber"])
            elif event := event_of(change):
                yield event

    def _put(self, events: Sequence[LifecycleEvent], published: Published) -> Sequence[LifecycleEvent]:
        """Put up to 10 events; return those that EventBridge did not accept in three attempts."""
        left = events
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(random.uniform(0, 0.2 * 2**attempt))  # noqa: S311  jitter need not be secret
            try:
                entries: Any = [self._entry(event) for event in left]
                results = self._events.put_events(Entries=entries)["Entries"]
            except CALL_ERRORS as error:  # botocore has retried it already
                published.causes.add(type(error).__name__)
                return left
            published.causes.update(result["ErrorCode"] for result in results if "ErrorCode" in result)
            left = [event for event, result in zip(left, results, strict=True) if "ErrorCode" in result]
            published.put += len(results) - len(left)
            if not left:
                break
        return left

    def _entry(self, event: LifecycleEvent) -> dict[str, str]:
        """Return an event as an entry of PutEvents, in a form that is also JSON."""
        subject, at = event.subject, timestamp(event.at)
        detail = {
            **(self._agent_body(subject) if isinstance(subject, Agent) else self._session_body(subject)),
            "sign_in_number": subject.sign_ins if isinstance(subject, Agent) else subject.sign_in_number,
            "time": at,
            "sequence_number": event.sequence_number,
        } | ({"reason": event.reason} if event.reason else {})
        # A token in a reason or a name must not spread to every consumer.
        text = redact(json.dumps(detail))
        return {"Source": SOURCE, "DetailType": event.detail_type, "Time": at, "Detail": text}
