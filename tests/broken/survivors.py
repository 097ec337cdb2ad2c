"""Broken engines that no scenario catches, each with the reason."""

from __future__ import annotations

SURVIVORS: dict[str, str] = {
    "copy without -A": "no lab puts an access control list into the store; Walrus sets none",
    "copy without -S": "a hole and the zeros in its place read the same; only room is lost, and no lab measures it",
    "drop an fsync": "no lab cuts the power of the machine that the engine itself runs on",
    "stop the original first": "in the embedded lab both services are down before the cloud looks again",
}
