"""SessionsTable: one item per session, under ``agent_id`` and ``session_id``."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agent_sessions.domain.models import Session, StopRequest
from agent_sessions.dynamodb.batches import delete_items
from agent_sessions.dynamodb.items import number, read_session, session_item, session_key, stop_request_value, string
from agent_sessions.dynamodb.transport import ConditionFailedError, Request, Transport, pages, succeeds

# A write must not recreate a session that a sign-out, a TTL deletion or an expiry has ended.
IS_LIVE = "attribute_exists(session_id) AND expires_at > :now"
# A touch that arrives late must not move times back.
IS_LIVE_AND_NOT_NEWER = f"{IS_LIVE} AND last_active <= :now"
# A report by a container whose clock is behind moves neither the other times nor that of a report back.
IS_LIVE_AND_NOT_REPORTED_LATER = f"{IS_LIVE} AND (attribute_not_exists(progress_at) OR progress_at <= :progress_at)"
IS_OWNED = "#owner = :owner"
IS_EXPIRED = "expires_at <= :now"
IS_UNUSED_SINCE = "last_active = :last_active"
# The rule of ``Session.is_live``, for DynamoDB to filter by. An item of 0.1, without incarnation, is not a session.
LIVE = "attribute_exists(incarnation) AND expires_at > :now AND ends_at > :now AND created_at >= :not_before"

_OWNER: dict[str, Any] = {"#owner": "owner"}


class SessionsTable:
    """Reads and writes sessions; each method is one call, or one series of pages or batches.

    IAM: ``dynamodb:GetItem``, ``PutItem``, ``UpdateItem``, ``DeleteItem``, ``BatchWriteItem``, ``Query``; for the
    activity report alone ``Scan``. A caller needs only those of the methods that it calls.

    Args:
        transport: Calls DynamoDB; every method raises its DatabaseError.
        name: Name of the table.
        not_before: Sessions created earlier, in epoch seconds, are dead.
    """

    def __init__(self, transport: Transport, name: str, not_before: int = 0) -> None:
        self.transport = transport
        self.name = name
        self.not_before = not_before

    # -- one session

    def put_session(self, session: Session) -> None:
        """Write a new session."""
        self.transport("PutItem", {"TableName": self.name, "Item": session_item(session)})

    def get_session(self, agent_id: str, session_id: str) -> Session | None:
        """Read a session, live or not, strongly consistent."""
        request: Request = {
            "TableName": self.name,
            "Key": session_key(agent_id, session_id),
            "ConsistentRead": True,
        }
        response = self.transport("GetItem", request)
        return read_session(response["Item"]) if "Item" in response else None

    def touch_session(self, session: Session, *, now: int, expires_at: int) -> bool:
        """Move the times of a live session forward.

        Returns:
            False, with nothing written, if it has ended or was used later than ``now``: only a read can tell
            which.
        """
        return self._update_times(session, now, expires_at, "", {}, {})

    def report_progress(
        self, session: Session, *, now: int, expires_at: int, progress: dict[str, str | None], move_times: bool = True
    ) -> bool:
        """Write what an agent reports of itself; with ``move_times`` it also counts as use.

        Args:
            session: The session that reports.
            now: When it does.
            expires_at: When it ends after this use.
            progress: ``state`` and ``activity``, as far as they are given; None removes one.
            move_times: Whether the session was last used at ``now`` or earlier.

        Returns:
            False, with nothing written, under the same conditions as ``touch_session``; without
            ``move_times`` if it has ended, or another report was written meanwhile and is later.
        """
        sets = ["progress_at = :progress_at", *(f"#{name} = :{name}" for name, value in progress.items() if value)]
        removed = [f"#{name}" for name, value in progress.items() if not value]
        values: dict[str, Any] = {f":{name}": string(value) for name, value in progress.items() if value}
        values[":progress_at"] = number(max(now, session.progress_at or 0))
        names = {f"#{name}": name for name in progress}
        update = ", ".join(sets) + (f" REMOVE {', '.join(removed)}" if removed else "")
        if move_times:
            return self._update_times(session, now, expires_at, f", {update}", names, values)
        return succeeds(
            self.transport,
            "UpdateItem",
            {
                "TableName": self.name,
                "Key": session_key(session.agent_id, session.session_id),
                "UpdateExpression": f"SET {update}",
                "ConditionExpression": IS_LIVE_AND_NOT_REPORTED_LATER,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": {**values, ":now": number(now)},
            },
        )

    def request_stop(
        self, agent_id: str, session_id: str, owner: str, request: StopRequest | None, *, now: int
    ) -> Session | None:
        """Store a stop request, or remove it; return the session, or None if the owner has no such live one."""
        values = {":owner": string(owner), **self.live_values(now)}
        if request is not None:
            values[":stop"] = stop_request_value(request)
        try:
            response = self.transport(
                "UpdateItem",
                {
                    "TableName": self.name,
                    "Key": session_key(agent_id, session_id),
                    "UpdateExpression": "SET stop_requested = :stop" if request else "REMOVE stop_requested",
                    "ConditionExpression": f"{IS_OWNED} AND {LIVE}",
                    "ExpressionAttributeNames": _OWNER,
                    "ExpressionAttributeValues": values,
                    "ReturnValues": "ALL_NEW",
                },
            )
        except ConditionFailedError:
            return None
        return read_session(response["Attributes"])

    def delete_session(self, agent_id: str, session_id: str, *, owner: str | None = None) -> Session | None:
        """Delete a session, if ``owner`` is given only one of that owner's; return the deleted session."""
        request: Request = {
            "TableName": self.name,
            "Key": session_key(agent_id, session_id),
            "ReturnValues": "ALL_OLD",
        }
        if owner is not None:
            request |= {
                "ConditionExpression": IS_OWNED,
                "ExpressionAttributeNames": _OWNER,
                "ExpressionAttributeValues": {":owner": string(owner)},
            }
        try:
            response = self.transport("DeleteItem", request)
        except ConditionFailedError:
            return None
        return read_session(response["Attributes"]) if "Attributes" in response else None

    def delete_unused_session(self, session: Session) -> bool:
        """Delete a session unless it was used since it was read; return whether it was deleted."""
        condition = {
            "ConditionExpression": IS_UNUSED_SINCE,
            "ExpressionAttributeValues": {":last_active": number(session.last_active)},
        }
        return self._delete_if(session.agent_id, session.session_id, condition)

    def delete_expired_session(self, agent_id: str, session_id: str, *, now: int) -> bool:
        """Delete a session unless a touch in flight has extended it; return whether it was deleted."""
        condition = {"ConditionExpression": IS_EXPIRED, "ExpressionAttributeValues": {":now": number(now)}}
        return self._delete_if(agent_id, session_id, condition)

    # -- many sessions

    def live_sessions_of(
        self, agent_id: str, *, now: int, after: str | None = None, limit: int
    ) -> Iterator[tuple[Sequence[Session], str | None]]:
        """Read the live sessions of an agent, strongly consistent, a page at a time.

        Args:
            agent_id: The agent.
            now: Sessions that are not live at this time are left out by DynamoDB.
            after: Start after this session_id, whether or not it exists. It is only half of a key, so it
                cannot lead to another agent's sessions.
            limit: The most items, live or not, to read per call.

        Yields:
            Sessions ordered by session_id, and the session_id after which the next page starts, None at the end.
        """
        request: Request = {
            **self._all_of(agent_id),
            "FilterExpression": LIVE,
            "Limit": limit,
        }
        request["ExpressionAttributeValues"] |= self.live_values(now)
        if after is not None:
            request["ExclusiveStartKey"] = session_key(agent_id, after)
        for page, last_key in pages(self.transport, "Query", request, read_session):
            yield [each for each in page if each], last_key["session_id"]["S"] if last_key else None

    def first_sessions_of(self, agent_id: str, *, limit: int) -> tuple[Sequence[Session], bool]:
        """Read the first sessions of an agent, live or not, strongly consistent, and whether it has more."""
        response = self.transport("Query", {**self._all_of(agent_id), "Limit": limit})
        sessions = [session for item in response["Items"] if (session := read_session(item))]
        return sessions, "LastEvaluatedKey" in response

    def count_live_sessions(self, agent_id: str, *, now: int, limit: int) -> Iterator[tuple[int, bool]]:
        """Count the live sessions of an agent, strongly consistent, ``limit`` items per call.

        Yields:
            The live sessions among these items, and whether more items follow.
        """
        request: Request = {**self._all_of(agent_id), "FilterExpression": LIVE, "Select": "COUNT", "Limit": limit}
        request["ExpressionAttributeValues"] |= self.live_values(now)
        while True:
            response = self.transport("Query", request)
            last_key = response.get("LastEvaluatedKey")
            yield response["Count"], last_key is not None
            if last_key is None:
                return
            request = {**request, "ExclusiveStartKey": last_key}

    def delete_sessions(self, keys: Iterable[tuple[str, str]]) -> None:
        """Delete sessions by agent_id and session_id, whatever their state."""
        delete_items(self.transport, self.name, [session_key(*key) for key in keys])

    # -- the report and the health check

    def live_session_agents(self, *, now: int, segment: int, segments: int) -> Iterator[Sequence[str]]:
        """Scan one segment, eventually consistent; yield the agent_id of each live session, a page at a time.

        A segment returns all sessions of an agent in a row.
        """
        request: Request = {
            "TableName": self.name,
            "Segment": segment,
            "TotalSegments": segments,
            "ProjectionExpression": "agent_id",
            "FilterExpression": LIVE,
            "ExpressionAttributeValues": self.live_values(now),
        }
        for page, _ in pages(self.transport, "Scan", request, lambda item: item["agent_id"]["S"]):
            yield page

    def ping(self) -> None:
        """Read an item that never exists: the cheapest proof that the table responds."""
        self.transport("GetItem", {"TableName": self.name, "Key": session_key("health", "health")})

    # -- requests

    def _all_of(self, agent_id: str) -> Request:
        return {
            "TableName": self.name,
            "KeyConditionExpression": "agent_id = :agent_id",
            "ExpressionAttributeValues": {":agent_id": string(agent_id)},
            "ConsistentRead": True,
        }

    def live_values(self, now: int) -> dict[str, Any]:
        """Return the values to which ``LIVE`` refers."""
        return {":now": number(now), ":not_before": number(self.not_before)}

    def _update_times(
        self,
        session: Session,
        now: int,
        expires_at: int,
        more: str,
        names: dict[str, str],
        values: dict[str, Any],
    ) -> bool:
        request: Request = {
            "TableName": self.name,
            "Key": session_key(session.agent_id, session.session_id),
            "UpdateExpression": f"SET last_active = :now, expires_at = :expires_at{more}",
            "ConditionExpression": IS_LIVE_AND_NOT_NEWER,
            "ExpressionAttributeValues": {**values, ":now": number(now), ":expires_at": number(expires_at)},
        }
        return succeeds(self.transport, "UpdateItem", request | ({"ExpressionAttributeNames": names} if names else {}))

    def _delete_if(self, agent_id: str, session_id: str, condition: dict[str, Any]) -> bool:
        key = session_key(agent_id, session_id)
        return succeeds(self.transport, "DeleteItem", {"TableName": self.name, "Key": key, **condition})
