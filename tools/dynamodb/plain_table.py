"""A table with a key of one string, which other session stores use."""

from typing import Any


def create_plain_table(client: Any, name: str, key: str) -> None:
    """Create the table, on demand."""
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
