"""Runs the examples of a document against the service at API_URL: python documents.py docs/client.md …"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# What the caller has done already: it needs the network.
INSTALLS = re.compile(r"^.*pip install .*$", re.MULTILINE)
COMMANDS = {"agent-sessions": "-m agent_sessions_client.cli.main ", "python": ""}


def examples(document: Path, section: str | None = None) -> list[tuple[str, str]]:
    """Return the language and the text of each example, or of those under a heading of the second level."""
    text = document.read_text(encoding="utf-8")
    if section is not None:
        text = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"^```(python|sh)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run(document: Path, home: Path, section: str | None = None) -> int:
    """Run all examples: those in Python in one program, those in sh each with `set -e`; return how many."""
    found = examples(document, section)
    python = "\n".join(text for language, text in found if language == "python")
    shell = [INSTALLS.sub("", text) for language, text in found if language == "sh"]
    commands = home / "bin"
    commands.mkdir(parents=True)
    for name, arguments in COMMANDS.items():
        command = commands / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n', encoding="utf-8")
        command.chmod(0o700)
    environ = os.environ | {"HOME": str(home), "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
    environ.pop("XDG_STATE_HOME", None)
    for program in ([sys.executable, "-c", python], *(["sh", "-ec", text] for text in shell)):
        subprocess.run(program, env=environ, cwd=home, check=True, timeout=300)  # noqa: S603
    return len(found)


def main() -> None:
    """Run the documents that the command line names."""
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as home:
            count = run(Path(name), Path(home))
        sys.stdout.write(f"{Path(name).name}: {count} examples run\n")


if __name__ == "__main__":
    main()
