"""What may lie on a backing disk before the move, and how it gets there: by a host's program, or byte by byte."""

from __future__ import annotations

from collections.abc import Callable

from harness.labs.premises import NAMELESS, SIGNATURE_UUID

# Programs of the host that write a signature; the device comes last. By their own paths, past the lab's wrappers. xfs
# is only supported from 300 MB on, which no move cares for.
PROGRAMS = {
    **{kind: ("/sbin/mke2fs", "-q", "-F", "-t", kind, "-U", SIGNATURE_UUID) for kind in ("ext2", "ext3", "ext4")},
    "xfs": ("/sbin/mkfs.xfs", "--unsupported", "-q", "-f", "-m", f"uuid={SIGNATURE_UUID}"),
    "swap": ("/sbin/mkswap", "-U", SIGNATURE_UUID),
}


def lvm(size_bytes: int) -> tuple[int, bytes]:
    """Where to write what: the label of a physical volume in the second sector, with LVM's sum."""
    identity = SIGNATURE_UUID.replace("-", "").ljust(32, "0").encode()
    body = (32).to_bytes(4, "little") + b"LVM2 001" + identity + size_bytes.to_bytes(8, "little")
    body = body.ljust(512 - 20, b"\0")
    return 512, b"LABELONE" + (1).to_bytes(8, "little") + _lvm_sum(body).to_bytes(4, "little") + body


def _lvm_sum(data: bytes) -> int:
    """LVM's CRC-32, which begins otherwise than everybody else's."""
    crc = 0xF597A6CF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc


def drbd(size_bytes: int) -> tuple[int, bytes]:
    """Where to write what: the last 4 KiB of internal metadata of DRBD 8.4, just created and never attached."""
    bitmap_sectors = -(-size_bytes // 512 // 32768 // 4096 * 8) + 8
    block = bytearray(4096)
    block[8:16] = (4).to_bytes(8, "big")  # current UUID: just created
    block[40:48] = int(SIGNATURE_UUID.replace("-", "")[:15], 16).to_bytes(8, "big")
    words = (0, 0x8374026B, bitmap_sectors + 72, 1237, -72, -(bitmap_sectors + 72), 4096)
    block[56:84] = b"".join((word & 0xFFFFFFFF).to_bytes(4, "big") for word in words)
    return size_bytes - 4096, bytes(block)


def nameless(size_bytes: int) -> tuple[int, bytes]:
    """Where to write what: words in the second block, which no probe knows."""
    return 4096, b"what somebody keeps without a file system"


BYTES: dict[str, Callable[[int], tuple[int, bytes]]] = {"LVM2_member": lvm, "drbd": drbd, NAMELESS: nameless}
