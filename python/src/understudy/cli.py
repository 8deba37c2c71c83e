"""The command `understudy`. Each subcommand is a module with `register`, and imports what it needs when it runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from understudy import __version__, publish_command

COMMANDS = (publish_command,)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command, and returns its exit code."""
    parser = argparse.ArgumentParser(prog="understudy", description="Publish machine-learning models to Understudy.")
    parser.add_argument("--version", action="version", version=f"understudy {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.register(commands)
    chosen = parser.parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
    except KeyboardInterrupt:
        print("stopped; the same command again goes on")
        return 130
    return code
