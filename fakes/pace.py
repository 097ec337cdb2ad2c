"""How fast the machines of one simulated world are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_MOST_PIECES = 256  # of one file: a file of a quarter terabyte must not take an hour to model
_PIECE_BYTES = 1024**2
_PIECE_S = 0.25  # under a low limit pieces are as small as it writes in this time


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

    def pieces(self, size: int, bytes_per_s: float) -> Iterator[int]:
        """How much of a file of this size is there after each piece that is written at this rate."""
        if self.piece_s:
            piece = max(1, int(bytes_per_s * self.piece_s))
        else:
            piece = max(min(_PIECE_BYTES, max(1, int(bytes_per_s * _PIECE_S))), size // _MOST_PIECES)
        yield from range(piece, size, piece)
        if size:
            yield size
