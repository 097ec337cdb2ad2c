"""Files that a lab puts into its hosts."""

from __future__ import annotations

import io
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class File:
    """A file to put into a host."""

    content: bytes
    mode: int = 0o644
    mtime: int | None = None  # None: now

    @classmethod
    def of(cls, path: Path) -> File:
        """A copy of a file of this machine."""
        return cls(path.read_bytes(), mtime=int(path.stat().st_mtime))


def packed(files: dict[str, File]) -> bytes:
    """The files as a tar that is unpacked at the root; all belong to root there."""
    packing = io.BytesIO()
    with tarfile.open(fileobj=packing, mode="w") as archive:
        for path, file in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(file.content), file.mode
            member.mtime = int(time.time()) if file.mtime is None else file.mtime
            archive.addfile(member, io.BytesIO(file.content))
    return packing.getvalue()
