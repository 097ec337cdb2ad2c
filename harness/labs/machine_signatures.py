"""What may lie on a backing disk before the move, written onto the disk's image."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from harness.errors import LabUnavailable
from harness.labs.premises import SIGNATURE_UUID

_LIMIT_S = 60.0


def _made_by(*argv: str) -> Callable[[Path], None]:
    """A maker that runs a program of this machine on the image."""

    def make(image: Path) -> None:
        try:
            done = subprocess.run([*argv, str(image)], capture_output=True, timeout=_LIMIT_S)
        except FileNotFoundError as error:
            raise LabUnavailable(f"{argv[0]} is not installed: apt-get install {_PACKAGES[argv[0]]}") from error
        if done.returncode != 0:
            raise LabUnavailable(f"{' '.join(argv)} {image}: {done.stderr.decode(errors='replace').strip()}")

    return make


def _lvm(image: Path) -> None:
    """The label of a physical volume in the second sector, with the sum that pvcreate would have put there."""
    identity = SIGNATURE_UUID.replace("-", "").ljust(32, "0").encode()
    body = (32).to_bytes(4, "little") + b"LVM2 001" + identity + image.stat().st_size.to_bytes(8, "little")
    body = body.ljust(512 - 20, b"\0")
    label = b"LABELONE" + (1).to_bytes(8, "little") + _lvm_sum(body).to_bytes(4, "little") + body
    _write(image, 512, label)


def _lvm_sum(data: bytes) -> int:
    """LVM's CRC-32, which begins otherwise than everybody else's."""
    crc = 0xF597A6CF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc


def _drbd(image: Path) -> None:
    """The last 4 KiB of internal metadata of DRBD 8.4, as `drbdmeta create-md` writes them: clean, never attached."""
    size = image.stat().st_size
    sectors = size // 512
    bitmap_sectors = -(-sectors // 32768 // 4096 * 8) + 8
    fields = bytearray(4096)
    fields[8:16] = (4).to_bytes(8, "big")  # current UUID: just created
    fields[40:48] = int(SIGNATURE_UUID.replace("-", "")[:15], 16).to_bytes(8, "big")
    words = (0, 0x8374026B, bitmap_sectors + 72, 1237, -72 & 0xFFFFFFFF, -(bitmap_sectors + 72) & 0xFFFFFFFF, 4096)
    for number, word in enumerate(words):
        fields[56 + 4 * number : 60 + 4 * number] = word.to_bytes(4, "big")
    _write(image, size - 4096, bytes(fields))


def _write(image: Path, offset: int, content: bytes) -> None:
    with image.open("r+b") as disk:
        disk.seek(offset)
        disk.write(content)


_PACKAGES = {
    "mke2fs": "e2fsprogs",
    "mkfs.xfs": "xfsprogs",
    "mkswap": "util-linux",
}
MAKERS: dict[str, Callable[[Path], None]] = {
    **{kind: _made_by("mke2fs", "-q", "-F", "-t", kind, "-U", SIGNATURE_UUID) for kind in ("ext2", "ext3", "ext4")},
    "xfs": _made_by("mkfs.xfs", "-q", "-f", "-m", f"uuid={SIGNATURE_UUID}"),
    "swap": _made_by("mkswap", "-U", SIGNATURE_UUID),
    "LVM2_member": _lvm,
    "drbd": _drbd,
}
