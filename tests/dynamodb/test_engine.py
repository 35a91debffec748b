"""DynamoDB Local is installed; if it is not, this one test says so for the whole suite."""

import os

import pytest

from tools.dynamodb.local_engine import missing


def test_engine_responds(request: pytest.FixtureRequest) -> None:
    reason = missing()
    # In CI a missing engine is a failure, so that it is noticed.
    if reason and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    new_client = request.getfixturevalue("new_engine_client")

    assert "TableNames" in new_client().list_tables()
