"""`make local`, `make stop`, `make authorizer`, and what other commands need before anything is installed."""

import argparse
import sys

from tools.local import LocalError, docker, interrupts, service

# The names in messages are those of the Makefile; `require-service` is for several of its commands.
COMMANDS = {
    "up": "local",
    "down": "stop",
    "authorizer": "authorizer",
    "require-service": "",
    "require-docker": "invoke",
}


def main() -> int:
    """Run the command; print one sentence and return 1 if it fails."""
    parser = argparse.ArgumentParser(prog="tools.local", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--port", default="", help=f"port of the service ({service.DEFAULT_PORT})")
    parser.add_argument("--for", default="dashboard", dest="name", help="which command needs the service")
    arguments = parser.parse_args()
    command = COMMANDS[arguments.command] or arguments.name
    interrupts.install()
    try:
        if arguments.command == "up":
            service.up(service.read_port(arguments.port) if arguments.port else None)
        elif arguments.command == "down":
            service.down()
        elif arguments.command == "authorizer":
            service.authorizer()
        elif arguments.command == "require-service":
            service.require_running()
        else:
            docker.require_engine()
    except LocalError as error:
        print(f"make {command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"make {command}: interrupted; everything that it started has been stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
