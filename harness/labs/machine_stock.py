"""Debian's stock kernel on this machine: found, unpacked once, and run by the processor itself where that can do it."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from harness.errors import LabUnavailable
from harness.labs import machine_initramfs
from harness.labs.machine_qemu import Firmware, base_command
from harness.labs.state import state_directory

BOOT = Path("/boot")
MODULES = Path("/lib/modules")
KVM = Path("/dev/kvm")
KVM_S = 5.0  # for the first line of a kernel; one that works needs a tenth of it
_FIRST_LINE = b"Linux version "
_END_S = 20.0
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL")
_MAGIC, _MAGIC_AT = b"HdrS", 0x202
_SECTORS_AT, _PAYLOAD_AT = 0x1F1, 0x248
_XZ, _ELF = b"\xfd7zXZ\0", b"\x7fELF"


def modules() -> Path | None:
    """The modules of the newest kernel that is installed with them."""
    found = [path for path in MODULES.iterdir() if _is_whole(path)] if MODULES.is_dir() else []
    return max(found, key=lambda path: [int(digits) for digits in re.findall(r"\d+", path.name)], default=None)


def _is_whole(path: Path) -> bool:
    return (path / "modules.dep").is_file() and (BOOT / f"vmlinuz-{path.name}").is_file()


def firmware(modules: Path) -> Firmware:
    """What the lab's machines start with.

    Raises:
        LabUnavailable: this machine lacks what it is made of.
    """
    kernel, initramfs = unpacked(BOOT / f"vmlinuz-{modules.name}"), machine_initramfs.ensure(modules)
    return Firmware(kernel, initramfs, _acceleration(kernel, initramfs))


def unpacked(vmlinuz: Path) -> Path:
    """The kernel as QEMU starts it without unpacking it anew at every start, which takes an emulated processor long.

    A kernel that is not packed as Debian packs it is used as it is.
    """
    try:
        packed = vmlinuz.read_bytes()
    except OSError as error:
        raise LabUnavailable(f"no kernel {vmlinuz} ({error}): make labs-qemu") from error
    path = state_directory() / "images" / f"vmlinux-{hashlib.sha256(packed).hexdigest()[:12]}"
    if path.exists():
        return path
    kernel = payload(packed)
    if kernel is None:
        return vmlinuz
    path.parent.mkdir(mode=0o700, exist_ok=True)
    _write(path, kernel)
    return path


def payload(vmlinuz: bytes) -> bytes | None:
    """The ELF file in a bzImage that was packed by xz; None when there is none."""
    if vmlinuz[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] != _MAGIC:
        return None
    offset, length = struct.unpack_from("<II", vmlinuz, _PAYLOAD_AT)
    start = ((vmlinuz[_SECTORS_AT] or 4) + 1) * 512 + offset
    content = vmlinuz[start : start + length]
    if not content.startswith(_XZ):
        return None
    try:
        kernel = lzma.LZMADecompressor().decompress(content)  # its length follows it
    except lzma.LZMAError:
        return None
    return kernel if kernel.startswith(_ELF) else None


def _acceleration(kernel: Path, initramfs: Path) -> str:
    """How this machine runs such a kernel. Tried once: /dev/kvm may be there and hang before the first line."""
    if not os.access(KVM, os.R_OK | os.W_OK):
        return "tcg"
    known = state_directory() / f"acceleration-{kernel.name}"
    if not known.exists():
        _write(known, b"kvm" if _boots(Firmware(kernel, initramfs, "kvm")) else b"tcg")
    return "kvm" if known.read_text() == "kvm" else "tcg"


def _boots(firmware: Firmware) -> bool:
    """A kernel says its first line in time. It ends with this process, however that ends."""
    with tempfile.TemporaryDirectory() as directory:
        said = Path(directory, "console")
        command = [*_ENDS_WITH_US, *base_command(firmware), "-serial", f"file:{said}", "-append", "console=ttyS0"]
        silent = subprocess.DEVNULL
        tried = subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent, start_new_session=True)
        try:
            return _says_a_line(tried, said)
        finally:
            tried.kill()
            tried.wait(_END_S)


def _says_a_line(tried: subprocess.Popen[bytes], said: Path) -> bool:
    deadline = time.monotonic() + KVM_S
    while tried.poll() is None and time.monotonic() < deadline:
        if said.exists() and _FIRST_LINE in said.read_bytes():
            return True
        time.sleep(0.05)
    return False


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing; whoever writes it too writes the same."""
    descriptor, new = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.replace(new, path)
