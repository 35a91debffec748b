"""Runs the examples of a document against the service at API_URL: python documents.py docs/client.md …"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# `pip install` needs the network, and is what the caller has done.
INSTALLS = re.compile(r"^pip install .*$", re.MULTILINE)
COMMAND = '#!/bin/sh\nexec "{python}" -m agent_sessions_client.cli.main "$@"\n'


def examples(document: Path) -> list[tuple[str, str]]:
    """Return the language and the text of each example."""
    return re.findall(r"^```(python|sh)\n(.*?)^```$", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def run(document: Path, home: Path) -> int:
    """Run all examples: those in Python in one program, those in sh each with `set -e`; return how many."""
    found = examples(document)
    python = "\n".join(text for language, text in found if language == "python")
    shell = [INSTALLS.sub("", text) for language, text in found if language == "sh"]
    command = home / "bin/agent-sessions"
    command.parent.mkdir(parents=True)
    command.write_text(COMMAND.format(python=sys.executable), encoding="utf-8")
    command.chmod(0o700)
    environ = os.environ | {"HOME": str(home), "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}
    environ.pop("XDG_STATE_HOME", None)
    for arguments in ([sys.executable, "-c", python], *(["sh", "-ec", text] for text in shell)):
        subprocess.run(arguments, env=environ, cwd=home, check=True, timeout=300)  # noqa: S603
    return len(found)


def main() -> None:
    """Run the documents that the command line names."""
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as home:
            count = run(Path(name), Path(home))
        sys.stdout.write(f"{Path(name).name}: {count} examples run\n")


if __name__ == "__main__":
    main()
