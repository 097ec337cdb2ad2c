"""What Debian's stock kernel is given to reach its root file system: busybox, some modules and a script.

It is made of files of this machine and written by this module: no lab depends on how a site makes its initramfs. The
modules that a machine needs later lie in its root image.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import LabUnavailable
from harness.labs.state import state_directory

BUSYBOX = "busybox"
# ext4 asks for its checksum by another name than the module's, so no list of dependencies has it.
TO_THE_ROOT = ("virtio_pci", "virtio_blk", "virtio_net", "crc32c_generic", "ext4")
_LDD_S = 20.0
_LIBRARY = re.compile(r"(/\S+) \(0x")
_TRAILER = "TRAILER!!!"

_INIT = """#!/bin/busybox sh
# Load what the root disk and the network need, and go over to the lab's own first process.
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
for module in {modules}; do busybox insmod "/modules/$module" || echo "walrus-lab: no module $module" >/dev/kmsg; done
tries=0
until [ -b /dev/vda ] || [ "$tries" -ge 100 ]; do busybox sleep 0.1; tries=$((tries + 1)); done
busybox mount -t ext4 /dev/vda /root
busybox mount --move /dev /root/dev
busybox umount /sys /proc
exec busybox switch_root /root /sbin/lab-init
"""


@dataclass(frozen=True)
class Entry:
    """A file or directory of an archive; its mode says which."""

    mode: int
    content: bytes = b""


def ensure(modules: Path) -> Path:
    """The archive for the kernel with these modules, made when there is none of the same content.

    Raises:
        LabUnavailable: when this machine lacks what belongs into it.
    """
    try:
        content = archive(_entries(modules))
    except OSError as error:
        raise LabUnavailable(f"no initramfs for the kernel {modules.name} ({error}): make labs-qemu") from error
    path = state_directory() / "images" / f"initramfs-{hashlib.sha256(content).hexdigest()[:12]}.cpio"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        descriptor, new = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # whoever makes it too makes the same
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(new, path)
    return path


def load_order(modules_dep: str, names: Iterable[str]) -> list[str]:
    """The files of these modules and of all that they need, each after those that it needs.

    ``modules_dep`` is what depmod wrote: a module's file, a colon, and all files that it needs, the nearest first.

    Raises:
        LabUnavailable: when the kernel has no such module.
    """
    needed = dict(line.split(":", 1) for line in modules_dep.splitlines())
    files = {Path(file).name.partition(".")[0].replace("-", "_"): file for file in needed}
    found: dict[str, None] = {}
    for name in names:
        if name not in files:
            raise LabUnavailable(f"the kernel's modules lack {name}: make labs-qemu")
        found |= dict.fromkeys([*reversed(needed[files[name]].split()), files[name]])
    return list(found)


def archive(entries: Mapping[str, Entry]) -> bytes:
    """A cpio archive in the form that kernels read ("newc"), the same for the same content."""
    members = [_member(number, path, entry) for number, (path, entry) in enumerate(sorted(entries.items()), start=1)]
    return b"".join([*members, _member(0, _TRAILER, Entry(0))])


def _member(number: int, path: str, entry: Entry) -> bytes:
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    name = path.encode() + b"\0"
    fields = (number, entry.mode, 0, 0, links, 0, len(entry.content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + "".join(f"{field:08x}" for field in fields).encode() + name
    return _padded(head) + _padded(entry.content)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)


def _entries(modules: Path) -> dict[str, Entry]:
    order = load_order((modules / "modules.dep").read_text(), TO_THE_ROOT)
    names = [Path(file).name for file in order]
    files = {f"modules/{name}": (modules / file).read_bytes() for name, file in zip(names, order, strict=True)}
    files |= {"bin/busybox": _busybox().read_bytes(), "init": _INIT.format(modules=" ".join(names)).encode()}
    files |= {library.lstrip("/"): Path(library).read_bytes() for library in _libraries(_busybox())}
    directories = {str(parent) for path in files for parent in Path(path).parents} - {"."}
    directories |= {"dev", "proc", "root", "sys"}
    entries = {path: Entry(stat.S_IFDIR | 0o755) for path in directories}
    return entries | {path: Entry(stat.S_IFREG | 0o755, content) for path, content in files.items()}


def _busybox() -> Path:
    found = shutil.which(BUSYBOX)
    if found is None:
        raise LabUnavailable(f"{BUSYBOX} of Debian's package busybox: make labs-qemu")
    return Path(found)


def _libraries(program: Path) -> list[str]:
    """The shared libraries that a program is loaded with; none of a static one."""
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, timeout=_LDD_S, check=False)
    return _LIBRARY.findall(done.stdout)
