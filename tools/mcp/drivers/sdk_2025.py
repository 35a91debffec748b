"""Walk through the tools with the official SDK, in the era with `initialize`."""

import asyncio
import sys

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from walk_2025 import walk


async def main(url: str) -> None:
    """Connect and walk."""
    async with streamable_http_client(url) as (read, write, _), ClientSession(read, write) as session:
        await walk(session)


asyncio.run(main(sys.argv[1]))
