"""Walk through the tools with the official SDK, in the era without `initialize`."""

import asyncio
import sys

from mcp.client.client import Client


async def walk(url: str) -> None:
    """Sign in, use the session, and sign out; the SDK checks each result against the tool's schema."""
    async with Client(url) as client:
        print(client.protocol_version)
        assert client.protocol_version == "2026-07-28"
        tools = [tool.name for tool in (await client.list_tools()).tools]
        print(f"{len(tools)} tools")

        signed_in = (await client.call_tool("sign_in", {"agent_name": "SDK", "context": "2026"})).structured_content
        session = {"session": signed_in["session"]}
        assert "session_token" not in signed_in
        seen = (await client.call_tool("check_in", session | {"state": "working"})).structured_content
        assert seen["state"] == "working"
        found = (await client.call_tool("find_agent", {"agent_name": "sdk", "context": "2026"})).structured_content
        assert found["agent"]["online"] is True
        assert (await client.call_tool("whoami", session)).structured_content["owner"]
        await client.call_tool("list_sessions", {"agent_id": signed_in["agent_id"]})
        assert (await client.call_tool("sign_out", session)).structured_content["ended"] is True
        ended = await client.call_tool("check_in", session)
        assert ended.is_error
        assert "sign_in again" in ended.content[0].text
        await client.call_tool("end_sessions", {"agent_id": signed_in["agent_id"]})
        print("8 calls")


asyncio.run(walk(sys.argv[1]))
