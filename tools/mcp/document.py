"""The tables of docs/mcp.md that derive from the code, each between two comments that nobody sees."""

from agent_sessions.http.request_models import Input
from agent_sessions.mcp.tools import TOOLS, Tool
from tools.mcp.conformance import INAPPLICABLE, SCENARIOS

TABLES = ("tools", "scenarios")


def with_tables(text: str) -> str:
    """Return the text with the current tables; raises ValueError without the comments."""
    for name, rows in zip(TABLES, (_tools(), _scenarios()), strict=True):
        begin, end = f"<!-- {name}: written by `make openapi` -->", f"<!-- /{name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"docs/mcp.md has no {begin} followed by {end}")
        text = f"{before}{begin}\n" + "\n".join(rows) + f"\n{end}{after}"
    return text


def _tools() -> list[str]:
    rows = ["| tool | what it does | arguments |", "|---|---|---|"]
    return rows + [f"| `{tool.name}` | {_purpose(tool)} | {_arguments(tool.arguments)} |" for tool in TOOLS.values()]


def _purpose(tool: Tool) -> str:
    """Return the first sentence of what models read."""
    return tool.description.partition(". ")[0].removesuffix(".")


def _arguments(model: type[Input]) -> str:
    names = (name if each.is_required() else f"{name}?" for name, each in model.model_fields.items())
    return ", ".join(f"`{name}`" for name in names)


def _scenarios() -> list[str]:
    rows = ["| scenario | result |", "|---|---|"]
    for scenario, exempt in SCENARIOS.items():
        reasons = sorted(set(exempt.values()))
        left_out = f"; {len(exempt)} checks do not apply: {'; '.join(reasons)}" if exempt else ""
        rows.append(f"| `{scenario}` | passes{left_out} |")
    return rows + [
        f"| `{name}{'*' if name.endswith('-') else ''}` | does not apply: {why} |" for name, why in INAPPLICABLE.items()
    ]
