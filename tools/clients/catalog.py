"""Every client that `make clients` generates, with the versions that the locks pin."""

import json
import re

from tools import ROOT
from tools.clients.client import DRIVERS, Client, Tool

PYTHON = str(ROOT / ".envs/clients/bin/python")
NODE_MODULES = ROOT / ".envs/clients-node/node_modules"
BIN = "node_modules/.bin"

PYTHON_LOCK = (ROOT / "requirements/clients.txt").read_text()
(OPENAPI_PYTHON_CLIENT,) = re.findall(r"^openapi-python-client==(\S+)", PYTHON_LOCK, re.MULTILINE)
NODE_VERSIONS: dict[str, str] = json.loads((ROOT / "requirements/clients-node/package.json").read_text())[
    "dependencies"
]
(OPENAPI_GENERATOR,) = re.findall(r"<version>(\d\S+)</version>", (ROOT / "tools/clients/pom.xml").read_text())
JAR = ROOT / f".envs/openapi-generator/openapi-generator-cli-{OPENAPI_GENERATOR}.jar"

JAVA = Tool("openapi-generator", "install Java 17 and Maven, and repeat `make clients`", ("test", "-e", str(JAR)))
GO = Tool("Go", "install Go 1.23 or later", ("go", "version"))
PHP = Tool("PHP", "install PHP 8.1 or later with the extensions curl and mbstring", ("php", "-r", "mb_strlen('');"))
GUZZLE = Tool(
    "Guzzle",
    "install it on PHP's include path, such as the package php-guzzlehttp-guzzle of Debian",
    ("php", "-r", 'exit(stream_resolve_include_path("GuzzleHttp/autoload.php") ? 0 : 1);'),
)

# The walk must use the types of the client as they are; how strict the generated code is, is its generator's business.
MYPY = (
    *(str(ROOT / ".venv/bin/mypy"), "--strict", "--follow-imports=silent", "--config-file="),
    *("--python-executable", PYTHON, "--cache-dir", str(ROOT / ".mypy_cache"), "walk.py"),
)
TSC = (f"{BIN}/tsc", "--project", ".")
TSCONFIG = DRIVERS / "tsconfig.json"


def openapi_generator(language: str, output: str, *properties: str) -> tuple[str, ...]:
    """Return the command that generates a client for a language; responses can gain fields."""
    options = ",".join(("disallowAdditionalPropertiesIfNotPresent=false", *properties))
    command = ("java", "-jar", str(JAR), "generate", "--generator-name", language, "--output", output)
    return (*command, "--input-spec", str(ROOT / "docs/openapi.json"), "--additional-properties", options)


def versions(*packages: str) -> str:
    """Return the pinned versions of npm packages."""
    return " ".join(NODE_VERSIONS[package] for package in packages)


CLIENTS = [
    Client(
        name="openapi-python-client",
        version=OPENAPI_PYTHON_CLIENT,
        commands=(
            (
                *(PYTHON, "-m", "openapi_python_client", "generate", "--meta", "none", "--output-path", "generated"),
                *("--path", str(ROOT / "docs/openapi.json"), "--config", "config.yaml"),
            ),
            MYPY,
        ),
        walk=(PYTHON, "walk.py"),
    ),
    Client(
        name="@hey-api/openapi-ts, zod",
        folder="hey-api",
        version=versions("@hey-api/openapi-ts", "zod"),
        also=(TSCONFIG,),
        links={"node_modules": NODE_MODULES},
        commands=((f"{BIN}/openapi-ts",), TSC),
        walk=("node", "build/walk.js"),
    ),
    Client(
        name="openapi-typescript, openapi-fetch",
        folder="openapi-fetch",
        version=versions("openapi-typescript", "openapi-fetch"),
        also=(TSCONFIG,),
        links={"node_modules": NODE_MODULES},
        commands=((f"{BIN}/openapi-typescript", str(ROOT / "docs/openapi.json"), "--output", "generated.d.ts"), TSC),
        walk=("node", "build/walk.js"),
    ),
    Client(
        name="orval, zod",
        folder="orval",
        version=versions("orval", "zod"),
        also=(TSCONFIG,),
        links={"node_modules": NODE_MODULES},
        commands=((f"{BIN}/orval", "--config", "orval.config.mjs"), TSC),
        walk=("node", "build/walk.js"),
    ),
    Client(
        name="openapi-generator python",
        version=OPENAPI_GENERATOR,
        tools=(JAVA,),
        commands=(openapi_generator("python", ".", "packageName=generated"), MYPY),
        walk=(PYTHON, "walk.py"),
    ),
    Client(
        name="openapi-generator go",
        version=OPENAPI_GENERATOR,
        tools=(JAVA, GO),
        commands=(
            openapi_generator("go", "agentsessions", "packageName=agentsessions", "withGoMod=false"),
            ("go", "build", "-o", "walk", "."),
        ),
        walk=("./walk",),
    ),
    Client(
        name="openapi-generator php",
        version=OPENAPI_GENERATOR,
        tools=(JAVA, PHP, GUZZLE),
        commands=(openapi_generator("php", "generated"),),
        walk=("php", "walk.php"),
    ),
]
