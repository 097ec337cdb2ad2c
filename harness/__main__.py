"""``python -m harness`` and the command ``walrus-ha``."""

from __future__ import annotations

import shlex
import sys

import click

from harness.cli import walrus_ha
from harness.errors import InvalidInput, WalrusHaError

INTERRUPTED = 130


def main() -> None:
    """Run the command line; errors of ours end with their own exit status and no traceback."""
    try:
        walrus_ha.main(prog_name="walrus-ha", standalone_mode=False)
    except WalrusHaError as error:
        print(f"walrus-ha: {error}", file=sys.stderr)
        if not isinstance(error, InvalidInput):  # a wrong file or word has been explained in full
            print(f"Explain with: walrus-ha explain {error.word()}", file=sys.stderr)
        sys.exit(error.exit_status)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):  # click makes the former of the latter
        again = shlex.join(["walrus-ha", *sys.argv[1:]])
        print(f"walrus-ha: interrupted; the same command goes on: {again}", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
