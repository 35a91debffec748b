"""Messages of every kind: what clients send, with any part of it replaced by anything."""

from typing import Any

from hypothesis import strategies as st

from agent_sessions.mcp import protocol
from agent_sessions.mcp.tools import TOOLS
from tests.support.mcp import headers_of, message

text = st.one_of(st.text(max_size=12), st.sampled_from(["", "\x00", "\ud800", "=?base64?", "=?base64?/w==?=", "%s{0}"]))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), text)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)),
    max_leaves=8,
)
methods = st.one_of(st.sampled_from([*protocol.MODERN_METHODS, *protocol.LEGACY_METHODS, "notifications/x"]), text)
names = sorted({name for tool in TOOLS.values() for name in tool.arguments.model_fields})
arguments = st.dictionaries(st.one_of(st.sampled_from(names), text), values, max_size=4)
params = st.fixed_dictionaries(
    {},
    optional={
        "name": st.one_of(st.sampled_from(list(TOOLS)), values),
        "arguments": st.one_of(arguments, values),
        "cursor": values,
        "protocolVersion": values,
        "_meta": values,
    },
)
versions = st.sampled_from(protocol.VERSIONS)
headers = st.dictionaries(
    st.sampled_from(["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "origin", "accept"]), text
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[Any, dict[str, str]]:
    """Return a message and headers that are right, except for a part of them."""
    version = draw(versions)
    body = message(draw(methods), draw(params), version=version)
    sent = headers_of(body, version=version) | {"mcp-name": str(body.get("params", {}).get("name"))}
    if draw(st.booleans()):
        sent |= draw(headers)
    if draw(st.booleans()):
        body |= draw(st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params"]), values, max_size=2))
    return body, sent


def messages() -> st.SearchStrategy[tuple[Any, dict[str, str]]]:
    """Return messages with their headers, most of them nearly right."""
    return st.one_of(requests(), requests(), st.tuples(values, headers))
