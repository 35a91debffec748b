"""The streams of both tables: each record as a change of an agent or a session."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_sessions.domain.models import Agent, Session
from agent_sessions.dynamodb.items import read_agent, read_session

IMAGES = {"INSERT": {"NewImage"}, "MODIFY": {"OldImage", "NewImage"}, "REMOVE": {"OldImage"}}


@dataclass(frozen=True, slots=True)
class Change:
    """One write to an item.

    Args:
        before: What the item contained; None if the write created it.
        after: What it contains now; None if the write deleted it.
        at: When DynamoDB wrote it (epoch seconds).
        sequence_number: Orders the changes of one item; longer than a 64-bit integer.
    """

    before: Agent | Session | None
    after: Agent | Session | None
    at: int
    sequence_number: str


def read_change(record: Mapping[str, Any]) -> Change | None:
    """Return the change of a stream record with old and new images; None if an image is neither an agent nor a session.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
    """
    fields = record["dynamodb"]
    read = read_session if "session_id" in fields["Keys"] else read_agent
    old, new = (read(fields[name]) if name in fields else None for name in ("OldImage", "NewImage"))
    images = IMAGES[record["eventName"]]
    if not images <= set(fields):
        raise ValueError("the stream must have the view type NEW_AND_OLD_IMAGES")
    if [old, new].count(None) > 2 - len(images):
        return None
    return Change(old, new, int(fields["ApproximateCreationDateTime"]), str(fields["SequenceNumber"]))
