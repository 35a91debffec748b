"""Walk through the tools behind the proxy that signs requests with AWS credentials."""

import asyncio
import os
import sys
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from walk_2025 import walk

PROXY = Path(sys.executable).with_name("mcp-proxy-for-aws")


async def main(url: str) -> None:
    """Connect and walk."""
    arguments = [url, "--service", "execute-api", "--region", "us-east-1", "--disable-telemetry"]
    proxy = StdioServerParameters(command=str(PROXY), args=arguments, env=dict(os.environ))
    async with stdio_client(proxy) as (read, write), ClientSession(read, write) as session:
        await walk(session)


asyncio.run(main(sys.argv[1]))
