"""How fast the machines of one simulated world are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Speeds of disks and of answers; ``sync_bytes_per_s`` is the world's, as its DRBD needs it in every lab.

    ``entry_s``: what find takes at each entry of a tree, beside what any command takes. ``piece_s``: how long a copy is
    at one piece of a file; 0: pieces are of a mebibyte, in large files larger.
    """

    read_bytes_per_s: float = 500e6
    copy_bytes_per_s: float = 200 * 1024**2
    command_s: float = 0.005  # what any ordinary command takes
    entry_s: float = 0.0
    piece_s: float = 0.0
