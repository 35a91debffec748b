"""Whether Amazon's engine is here; where it is not, this one test says so for the whole suite."""

import os

import pytest

from tools.dynamodb.local_engine import missing


def test_the_engine_answers(request: pytest.FixtureRequest) -> None:
    reason = missing()
    # CI fails where it is missing, so that it cannot go missing unseen.
    if reason and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    new_client = request.getfixturevalue("new_engine_client")

    assert "TableNames" in new_client().list_tables()
