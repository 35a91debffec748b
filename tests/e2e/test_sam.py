"""SAM CLI builds with the first python3.13 in PATH, which is its own if PATH begins with its folder."""

import subprocess

from tools.local.stack import SAM


def test_python_beside_sam_has_pip() -> None:
    python = SAM.with_name("python3.13")

    done = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, text=True, check=False)  # noqa: S603

    assert done.returncode == 0, done.stderr
