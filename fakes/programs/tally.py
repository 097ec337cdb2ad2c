"""What rsync --stats tells of a copy."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = {"file": "reg", "directory": "dir", "symlink": "link", "other": "special"}


def _no_kinds() -> dict[str, int]:
    return dict.fromkeys(KINDS.values(), 0)


@dataclass
class Counts:
    """What --stats tells."""

    files: dict[str, int] = field(default_factory=_no_kinds)
    created: dict[str, int] = field(default_factory=_no_kinds)
    deleted: dict[str, int] = field(default_factory=_no_kinds)
    transferred: int = 0
    total_bytes: int = 0
    literal_bytes: int = 0

    def text(self) -> bytes:
        """The figures in rsync's layout; times and protocol overhead are made up."""
        sent, received = self.literal_bytes + 60 * sum(self.files.values()) + 19, 19
        return (
            f"\nNumber of files: {_counted(self.files)}\n"
            f"Number of created files: {_counted(self.created)}\n"
            f"Number of deleted files: {_counted(self.deleted)}\n"
            f"Number of regular files transferred: {self.transferred:,}\n"
            f"Total file size: {self.total_bytes:,} bytes\n"
            f"Total transferred file size: {self.literal_bytes:,} bytes\n"
            f"Literal data: {self.literal_bytes:,} bytes\n"
            "Matched data: 0 bytes\nFile list size: 0\n"
            "File list generation time: 0.001 seconds\nFile list transfer time: 0.000 seconds\n"
            f"Total bytes sent: {sent:,}\nTotal bytes received: {received:,}\n\n"
            f"sent {sent:,} bytes  received {received:,} bytes  {2 * (sent + received):,}.00 bytes/sec\n"
            f"total size is {self.total_bytes:,}  speedup is {self.total_bytes / (sent + received):,.2f}\n"
        ).encode()


def _counted(kinds: dict[str, int]) -> str:
    named = ", ".join(f"{kind}: {count:,}" for kind, count in kinds.items() if count)
    return f"{sum(kinds.values()):,}" + (f" ({named})" if named else "")
