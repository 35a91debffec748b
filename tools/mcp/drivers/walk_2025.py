"""The walk through the tools in the era with `initialize`, over any transport."""

from mcp import ClientSession


async def walk(session: ClientSession) -> None:
    """Sign in, use the session, and sign out; the SDK checks each result against the tool's schema."""
    initialized = await session.initialize()
    print(initialized.protocolVersion)
    tools = [tool.name for tool in (await session.list_tools()).tools]
    print(f"{len(tools)} tools")

    signed_in = (await session.call_tool("sign_in", {"agent_name": "SDK", "context": "2025"})).structuredContent
    handle = {"session": signed_in["session"]}
    assert "session_token" not in signed_in
    seen = (await session.call_tool("check_in", handle | {"state": "waiting"})).structuredContent
    assert seen["state"] == "waiting"
    found = (await session.call_tool("find_agent", {"agent_name": "sdk", "context": "2025"})).structuredContent
    assert found["agent"]["online"] is True
    assert (await session.call_tool("whoami", handle)).structuredContent["owner"]
    await session.call_tool("list_sessions", {"agent_id": signed_in["agent_id"]})
    assert (await session.call_tool("sign_out", handle)).structuredContent["ended"] is True
    ended = await session.call_tool("check_in", handle)
    assert ended.isError
    assert "sign_in again" in ended.content[0].text
    await session.call_tool("end_sessions", {"agent_id": signed_in["agent_id"]})
    print("8 calls")
