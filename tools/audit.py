"""`make audit`: compare every pinned dependency with the advisories of the Python Package Index.

It uses pip-audit, without installing anything. Status 0: no known vulnerability, or the service could not be asked,
which it says. Status 1: a vulnerability, or a dependency that the service does not know.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools import ROOT

PIP_AUDIT = ROOT / ".envs/audit/bin/pip-audit"
# pip-audit has no status of its own for this.
UNREACHABLE = ("ConnectionError", "Could not connect", "Connection refused", "timed out", "Max retries exceeded")


class AuditError(Exception):
    """pip-audit failed; the message is its last line."""


def requirements() -> list[Path]:
    """Return all files of pinned requirements: what ships in the layer, and what only develops it."""
    return [ROOT / "layers/agent_sessions/requirements.txt", *sorted((ROOT / "requirements").glob("*.txt"))]


def run(file: Path) -> list[dict[str, Any]] | None:
    """Return what pip-audit found for each dependency, or None if the service cannot be reached."""
    command = [
        str(PIP_AUDIT),
        "--requirement",
        str(file),
        "--require-hashes",
        "--disable-pip",
        "--progress-spinner",
        "off",
    ]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
    if done.stdout:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
        return dependencies
    if any(reason in done.stderr for reason in UNREACHABLE):
        return None
    raise AuditError((done.stderr.strip() or f"status {done.returncode}").splitlines()[-1])


def judge(name: str, dependencies: Iterable[dict[str, Any]] | None) -> tuple[bool, str]:
    """Return whether a file of requirements passes, and a sentence with the reason."""
    if dependencies is None:
        return True, f"{name}: SKIPPED, the vulnerability service cannot be reached. Nothing was audited."
    found = list(dependencies)
    unknown = sorted(each["name"] for each in found if "skip_reason" in each)
    if found and len(unknown) == len(found):
        return True, (
            f"{name}: SKIPPED, the package index offers no advisories (it may be a mirror). Nothing was audited."
        )
    vulnerable = sorted(
        f"{each['name']} {each['version']}: {vulnerability['id']}, fixed in {', '.join(vulnerability['fix_versions'])}"
        for each in found
        for vulnerability in each.get("vulns", [])
    )
    problems = vulnerable + [f"{each}: unknown to the vulnerability service" for each in unknown]
    if problems:
        return False, "\n  ".join([f"{name}: {len(problems)} of {len(found)} dependencies need attention", *problems])
    return True, f"{name}: {len(found)} dependencies, no known vulnerability"


def main() -> int:
    """Audit every file; print a sentence for each and return 1 if one fails."""
    passed = True
    for file in requirements():
        name = str(file.relative_to(ROOT))
        try:
            ok, sentence = judge(name, run(file))
        except AuditError as error:
            ok, sentence = False, f"{name}: pip-audit failed: {error}"
        passed = passed and ok
        print(sentence, flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
