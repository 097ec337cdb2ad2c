"""``python -m harness`` and the command ``walrus-ha``."""

from __future__ import annotations

import sys

from harness.cli import walrus_ha
from harness.errors import WalrusHaError


def main() -> None:
    """Run the command line; errors of ours end with their own exit status and no traceback."""
    try:
        walrus_ha(prog_name="walrus-ha")
    except WalrusHaError as error:
        print(f"walrus-ha: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        print("walrus-ha: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
