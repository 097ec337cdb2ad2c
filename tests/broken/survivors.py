"""Broken engines that no scenario catches, each with the reason."""

from __future__ import annotations

SURVIVORS: dict[str, str] = {
    "copy without -A": "no lab puts an access control list into the store; Walrus sets none",
    "copy without -S": "a hole and the zeros in its place read the same; only room is lost, and no lab measures it",
    "copy without --delete": "nobody but the engine writes into the staging area in any scenario",
    "the copy is not flushed": "the embedded lab has no page cache: what is read back is what lies on the disk",
    "drop an fsync": "no lab cuts the power of the machine that the engine itself runs on",
    "forget to re-inspect": "every command that fails says so, and the next step looks before it acts: two more guards",
    "stop the original first": "in the embedded lab both services are down before the cloud looks again",
}
