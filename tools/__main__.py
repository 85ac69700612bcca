"""Command line: ``python3 -m tools COMMAND``."""

import argparse
import signal
import sys

if sys.version_info < (3, 11):
    sys.exit("Python 3.11 or newer is needed: call make with PYTHON=python3.11")

from . import commands
from .common import SetupError


def parse_arguments():
    names = commands.COMMANDS
    width = max(map(len, names))
    lines = [
        f"{name:{width}}  {function.__doc__.splitlines()[0]}" for name, function in names.items()
    ]
    parser = argparse.ArgumentParser(
        prog="python3 -m tools",
        description=commands.__doc__,
        epilog="\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=names, metavar="COMMAND")
    return parser.parse_args()


def main():
    command = commands.COMMANDS[parse_arguments().command]
    # What is open is closed on a kill as on Ctrl+C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(command())
    except SetupError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on where it was.")


main()
