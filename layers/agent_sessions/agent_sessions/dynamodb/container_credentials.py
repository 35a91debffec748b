"""Credentials of a function: those of its environment, or from the endpoint that a function with SnapStart has.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import json
import math
import threading
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple
from urllib.parse import urlsplit

from agent_sessions import clock
from agent_sessions.dynamodb.transport import ATTEMPT_SECONDS, MalformedResponseError

# Seconds before the expiry at which a refresh is due; and after a refresh that failed, or that returned credentials
# that expire sooner than that, until the next one.
REFRESH_BEFORE, REFRESH_AGAIN = 900, 60


class Credentials(NamedTuple):
    """Keys that sign requests until ``expires_at``, in epoch seconds."""

    access_key: str
    secret_key: str
    token: str = ""
    expires_at: float = math.inf


class ContainerCredentials:
    """Fetches credentials at the first use, and again before they expire; safe with threads.

    Args:
        url: The endpoint.
        authorization: Returns the token to present, which may change when a snapshot is restored.
    """

    def __init__(self, url: str, authorization: Callable[[], str]) -> None:
        self._url, self._authorization, self._lock = urlsplit(url), authorization, threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Fetch again at the next use."""
        self._current, self._refresh_at = Credentials("", "", expires_at=-math.inf), -math.inf

    def __call__(self) -> Credentials:
        """Return valid credentials; raise MalformedResponseError, OSError or HTTPException if there are none."""
        # One thread refreshes. The others use what is still valid, or wait.
        if clock.now() >= self._refresh_at and self._lock.acquire(blocking=clock.now() >= self._current.expires_at):
            try:
                self._refresh(clock.now())
            finally:
                self._lock.release()
        return self._current

    def _refresh(self, now: int) -> None:
        if now < self._refresh_at:
            return
        try:
            self._current = self._fetch()
            due = self._current.expires_at - REFRESH_BEFORE
        except (OSError, HTTPException, MalformedResponseError):
            if now >= self._current.expires_at:
                raise
            due = now
        self._refresh_at = min(max(due, now + REFRESH_AGAIN), self._current.expires_at)

    def _fetch(self) -> Credentials:
        connection = HTTPConnection(self._url.netloc, timeout=ATTEMPT_SECONDS)
        try:
            target = self._url._replace(scheme="", netloc="").geturl()
            connection.request("GET", target, headers={"Authorization": self._authorization()})
            fields = json.loads(connection.getresponse().read())
            expires_at = datetime.fromisoformat(fields["Expiration"]).timestamp()
            return Credentials(fields["AccessKeyId"], fields["SecretAccessKey"], fields["Token"], expires_at)
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedResponseError("the endpoint returned no credentials") from error
        finally:
            connection.close()
