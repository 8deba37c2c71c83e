"""The command `understudy`: a subcommand for each module of `COMMANDS`."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from understudy.commands import baseline

# A subcommand has `register(subparsers)`, which adds its parser with the default `run`: a function of the parsed arguments
# that returns the exit code. It imports heavy packages only when it runs, so that `--help` takes no time.
COMMANDS = (baseline,)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand. Returns 0, or 1 after an error that a message explains; a usage error exits with 2."""
    parser = argparse.ArgumentParser(prog="understudy", description="Publish machine-learning models to Understudy.")
    parser.add_argument("--version", action=Version, help="print the version")
    subparsers = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.register(subparsers)
    chosen = parser.parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
        try:
            code: int = chosen.run(chosen)
        except (OSError, ValueError, ImportError) as error:
            print(f"understudy {chosen.command}: {error}", file=sys.stderr)
            return 1
    return code


class Version(argparse.Action):
    """Prints the version of the installed package. The metadata are read only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:  # noqa: A002, argparse names it
        super().__init__(option_strings, dest=argparse.SUPPRESS, default=argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Prints and exits."""
        try:
            print(f"understudy {metadata.version('understudy')}")
        except metadata.PackageNotFoundError:
            parser.exit(1, "understudy is not installed: it runs from its source, which has no version\n")
        parser.exit()
