"""The command `understudy`: a subcommand for each module of `COMMANDS`."""

import argparse
import sys
import warnings
from collections.abc import Sequence

from understudy import __version__
from understudy.commands import baseline, publish
from understudy.errors import UnderstudyError

# A subcommand has `register(subparsers)`, which adds its parser with the default `run`: a function of the parsed arguments
# that returns the exit code. It imports heavy packages only when it runs, so that `--help` takes no time.
COMMANDS = (publish, baseline)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand. Returns 0, or the code of an error that a message explains; a usage error exits with 2."""
    parser = argparse.ArgumentParser(prog="understudy", description="Publish machine-learning models to Understudy.")
    parser.add_argument("--version", action="version", version=f"understudy {__version__}")
    subparsers = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.register(subparsers)
    chosen = parser.parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
        try:
            code: int = chosen.run(chosen)
        except UnderstudyError as error:
            print(f"understudy {chosen.command}: {error}", file=sys.stderr)
            return error.exit_code
        except KeyboardInterrupt:
            print("stopped; the same command again goes on", file=sys.stderr)
            return 130
        except (OSError, ValueError, ImportError) as error:
            print(f"understudy {chosen.command}: {error}", file=sys.stderr)
            return 1
    return code
