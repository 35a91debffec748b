"""`make pythons`: test the client's wheel in a clean environment of each Python that it supports.

Its own tests run first, then the examples of its documents, against a local service.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools import ROOT
from tools.local import LocalError, service
from tools.local.loopback import bypass_proxy
from tools.progress import step

CLIENT = ROOT / "clients/python"
FOLDER = ROOT / ".local/pythons"
LOCK = ROOT / "requirements/client.txt"
UV = Path(sys.executable).with_name("uv")
VERSIONS = [(3, minor) for minor in range(10, 15)]
DOCUMENTS = ("docs/client.md", "docs/cli.md")


@dataclass(frozen=True)
class Interpreter:
    """A Python of this machine, and the environment that is made from it."""

    version: str
    path: Path

    @property
    def python(self) -> Path:
        """The Python of the environment."""
        return ROOT / f".envs/client-{self.version}/bin/python"

    def install(self, wheel: Path) -> None:
        """Make the environment, with the pinned dependencies and the wheel; raises LocalError."""
        _run(UV, "venv", "--quiet", "--clear", "--python", self.path, self.python.parents[1])
        install = (UV, "pip", "install", "--quiet", "--python", self.python)
        _run(*install, "--require-hashes", "-r", LOCK)
        _run(*install, "--no-deps", "--no-index", wheel)

    def test(self) -> None:
        """Run the client's tests on what was installed; raises LocalError if one fails."""
        options = ("-q", "-p", "no:cacheprovider", "-o", "pythonpath=tests")
        _run(self.python, "-m", "pytest", *options, CLIENT / "tests")

    def run_documents(self, url: str) -> None:
        """Run the examples against a service; raises LocalError if one fails."""
        _run(self.python, CLIENT / "tests/documents.py", *(ROOT / each for each in DOCUMENTS), API_URL=url)


def find(version: tuple[int, int]) -> Interpreter | None:
    """Return a Python of this version from PATH or from pyenv, or None."""
    name = ".".join(map(str, version))
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    in_path = shutil.which(f"python{name}")
    for path in [*([Path(in_path)] if in_path else []), *sorted(pyenv.glob(f"versions/{name}.*/bin/python"))]:
        command: list[str | Path] = [path, "-c", "import sys; print(*sys.version_info[:2], sep='.')"]
        # pyenv's own programs in PATH fail for versions that are not selected.
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.stdout.strip() == name:
            return Interpreter(name, path)
    return None


def build() -> Path:
    """Build the wheel; raises LocalError."""
    shutil.rmtree(FOLDER / "dist", ignore_errors=True)
    _run(sys.executable, "-m", "flit_core.wheel", CLIENT, "--outdir", FOLDER / "dist")
    (wheel,) = (FOLDER / "dist").glob("*.whl")
    return wheel


def main() -> int:
    """Test with every Python that is here; print one sentence and return 1 if something fails."""
    bypass_proxy()
    try:
        wheel = step("Building the client", build)
        interpreters = []
        for version in VERSIONS:
            interpreter = find(version)
            if interpreter is None:
                print(f"Python {version[0]}.{version[1]} is not on this machine: not tested")
                continue
            step(f"Python {interpreter.version}: installing", partial(interpreter.install, wheel))
            step(f"Python {interpreter.version}: the client's tests", interpreter.test)
            interpreters.append(interpreter)
        with service.temporary(FOLDER) as url:
            for each in interpreters:
                step(f"Python {each.version}: the examples of its documents", partial(each.run_documents, url))
    except LocalError as error:
        print(f"make pythons: {error}", file=sys.stderr)
        return 1
    return 0


def _run(*command: str | Path, **variables: str) -> None:
    """Run a program quietly; raises LocalError with its output if it fails."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, env=environ | variables, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
