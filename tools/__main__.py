"""Command line: ``python3 -m tools COMMAND``."""

import argparse
import sys

from . import commands
from .common import SetupError


def main():
    parser = argparse.ArgumentParser(prog="python3 -m tools", description=commands.__doc__)
    names = commands.COMMANDS
    width = max(map(len, names))
    lines = [
        f"{name:{width}}  {function.__doc__.splitlines()[0]}" for name, function in names.items()
    ]
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(lines)
    parser.add_argument("command", choices=names, metavar="COMMAND")
    arguments = parser.parse_args()
    if sys.version_info < (3, 11):
        sys.exit("Python 3.11 or newer is needed: call make with PYTHON=python3.11")
    try:
        sys.exit(names[arguments.command]())
    except SetupError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on where it was.")


main()
