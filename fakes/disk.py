"""The container's own disk as a Filesystem; images of block devices are directories that change places by rename.

Nothing needs to be made durable here: what a container wrote survives when its processes are killed.
"""

from __future__ import annotations

import errno
import json
import os
import stat as modes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from fakes.filesystem import Stat
from fakes.program import UnsupportedInvocation

STATE = "/var/lib/walrus-fakes"
SHARED = "/srv/walrus-world"


class Swap(NamedTuple):
    """One mount: the image's directory stands at ``at``, what was there waits in ``shadow``."""

    image: str
    at: str
    shadow: str


def _failure(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


def _kind(mode: int) -> Literal["file", "directory", "symlink", "other"]:
    if modes.S_ISREG(mode):
        return "file"
    if modes.S_ISDIR(mode):
        return "directory"
    return "symlink" if modes.S_ISLNK(mode) else "other"


class PlainFiles:
    """Files and directories below ``root``, which is "" in a container and a scratch directory in a test."""

    def __init__(self, root: str = "") -> None:
        self.root = root

    def real(self, path: str) -> str:
        """The path as the operating system knows it."""
        return self.root + path

    def stat(self, path: str) -> Stat:
        found = os.lstat(self.real(path))
        return Stat(
            _kind(found.st_mode),
            found.st_size,
            modes.S_IMODE(found.st_mode),
            found.st_uid,
            found.st_gid,
            found.st_mtime_ns,
            found.st_ino,
            found.st_dev,
            found.st_nlink,
            found.st_ctime_ns,
        )

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.real(path))

    def listdir(self, path: str) -> list[str]:
        return sorted(os.listdir(self.real(path)), key=os.fsencode)

    def walk(self, path: str) -> Iterator[str]:
        yield path
        if self.stat(path).kind == "directory":
            for name in self.listdir(path):
                yield from self.walk(f"{path.rstrip('/')}/{name}")

    def read(self, path: str) -> bytes:
        with open(self.real(path), "rb") as file:
            return file.read()

    def sha256(self, path: str) -> str:
        import hashlib

        with open(self.real(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def write(self, path: str, content: bytes, mode: int | None = None) -> None:
        is_new = not os.path.exists(self.real(path))
        with open(self.real(path), "wb") as file:
            file.write(content)
            if is_new:
                os.fchmod(file.fileno(), 0o644 if mode is None else mode)

    def replace(self, path: str, content: bytes, mode: int | None = None) -> None:
        present = self.stat(path) if self.exists(path) else None
        new = f"{path}.new-{os.getpid()}"
        self.write(new, content, mode if mode is not None else present.mode if present else None)
        if present is not None:
            self.chown(new, present.uid, present.gid)
        os.replace(self.real(new), self.real(path))

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        os.mkdir(self.real(path))
        os.chmod(self.real(path), mode)

    def rmdir(self, path: str) -> None:
        os.rmdir(self.real(path))

    def unlink(self, path: str) -> None:
        os.unlink(self.real(path))

    def rename(self, old: str, new: str) -> None:
        os.rename(self.real(old), self.real(new))

    def symlink(self, target: str, path: str) -> None:
        os.symlink(target, self.real(path))

    def readlink(self, path: str) -> str:
        return os.readlink(self.real(path))

    def link(self, old: str, new: str) -> None:
        os.link(self.real(old), self.real(new), follow_symlinks=False)

    def chmod(self, path: str, mode: int) -> None:
        os.chmod(self.real(path), mode)

    def chown(self, path: str, uid: int, gid: int) -> None:
        os.lchown(self.real(path), uid, gid)

    def utime(self, path: str, mtime_ns: int) -> None:
        os.utime(self.real(path), ns=(mtime_ns, mtime_ns), follow_symlinks=False)

    def xattrs(self, path: str) -> dict[str, bytes]:
        real = self.real(path)
        names = os.listxattr(real, follow_symlinks=False)
        return {name: os.getxattr(real, name, follow_symlinks=False) for name in names}

    def set_xattr(self, path: str, name: str, value: bytes) -> None:
        os.setxattr(self.real(path), name, value, follow_symlinks=False)

    def sync(self) -> None:
        """Nothing to do: see the module."""

    def resolve(self, path: str) -> str:
        """The path without symbolic links.

        Raises:
            OSError: ENOENT, ELOOP: only the last part may be missing.
        """
        if self.root:
            return os.path.normpath(path)  # a test's scratch directory: links in it would lead out
        os.stat(os.path.dirname(path) or "/")
        return os.path.realpath(path)


class DiskFilesystem(PlainFiles):
    """PlainFiles, and images below STATE; published ones lie on the volume that the hosts share.

    Directories of the container's image layers cannot be renamed (EXDEV): a mount point that is one is copied up first.
    """

    def __init__(self, root: str = "", shared: str = SHARED) -> None:
        super().__init__(root)
        self._state = root + STATE
        self._shared = shared

    # Where things are

    def _home(self, image: str) -> str:
        return f"{self._state}/images/{_file_name(image)}"

    def _published(self, token: str) -> str:
        return f"{self._shared}/images/{_file_name(token)}"

    @property
    def _table(self) -> str:
        return f"{self._state}/mounts.json"

    def mounted(self) -> list[Swap]:
        """Every mount, the earliest first."""
        try:
            with open(self._table, encoding="utf-8", errors="surrogateescape") as file:
                return [Swap(*entry) for entry in json.load(file)]
        except FileNotFoundError:
            return []

    def _write_table(self, swaps: list[Swap]) -> None:
        with open(f"{self._table}.new", "w", encoding="utf-8", errors="surrogateescape") as file:
            json.dump(swaps, file)
        os.replace(f"{self._table}.new", self._table)

    @contextmanager
    def _locked(self) -> Iterator[list[Swap]]:
        import fcntl

        os.makedirs(f"{self._state}/images", exist_ok=True)
        os.makedirs(f"{self._state}/shadow", exist_ok=True)
        with open(f"{self._state}/mounts.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self.mounted()

    def image_root(self, image: str) -> str | None:
        """The real directory in which the image's content lies now, mounted or not; None where there is none."""
        swaps = self.mounted()
        for number, swap in enumerate(swaps):
            if swap.image == image:
                over = next((later for later in swaps[number + 1 :] if later.at == swap.at), None)
                return over.shadow if over else self.real(swap.at)
        return self._home(image) if os.path.isdir(self._home(image)) else None

    # The protocol

    def make_image(self, image: str, size_bytes: int | None = None) -> None:
        """As the protocol says; room is the container's own, whatever ``size_bytes`` is."""
        with self._locked() as swaps:
            if any(swap.image == image for swap in swaps):
                raise _failure(errno.EBUSY, image)
            _remove_tree(self._home(image))
            os.mkdir(self._home(image))
            os.chmod(self._home(image), 0o755)
            os.mkdir(f"{self._home(image)}/lost+found", 0o700)

    def has_image(self, image: str) -> bool:
        return self.image_root(image) is not None

    def drop_image(self, image: str) -> None:
        with self._locked() as swaps:
            if any(swap.image == image for swap in swaps):
                raise _failure(errno.EBUSY, image)
            _remove_tree(self._home(image))

    def mount_image(self, image: str, at: str) -> None:
        at = self.resolve(at)
        with self._locked() as swaps:
            if self.stat(at).kind != "directory":
                raise _failure(errno.ENOTDIR, at)
            if any(swap.image == image for swap in swaps):
                raise UnsupportedInvocation(f"{image} is mounted already: a directory cannot be in two places")
            if any(_below(swap.at, at) or _below(at, swap.at) for swap in swaps):
                raise UnsupportedInvocation(f"{at} lies in another mount, or another in it")
            if not os.path.isdir(self._home(image)):
                raise _failure(errno.ENOENT, image)
            added = Swap(image, at, self._free_shadow())
            self._write_table([*swaps, added])
            _rename_directory(self.real(at), added.shadow)
            os.rename(self._home(image), self.real(at))

    def _free_shadow(self) -> str:
        number = 0
        while os.path.lexists(f"{self._state}/shadow/{number}"):
            number += 1
        return f"{self._state}/shadow/{number}"

    def unmount_image(self, at: str) -> None:
        """As the protocol says.

        Raises:
            OSError: EINVAL where nothing is mounted, EBUSY while a process works in the image or has a file of it open.
        """
        at = self.resolve(at)
        with self._locked() as swaps:
            last = next((swap for swap in reversed(swaps) if swap.at == at), None)
            if last is None:
                raise _failure(errno.EINVAL, at)
            if _in_use(self.real(at)):
                raise _failure(errno.EBUSY, at)
            self._swap_back(last)
            self._write_table([swap for swap in swaps if swap is not last])

    def _swap_back(self, swap: Swap) -> None:
        """Undo a mount that may have been interrupted at any point."""
        if not os.path.lexists(swap.shadow):
            return
        if not os.path.lexists(self._home(swap.image)):
            os.rename(self.real(swap.at), self._home(swap.image))
        _remove_tree(self.real(swap.at))  # what a copied-up mount point left
        os.rename(swap.shadow, self.real(swap.at))

    def unmount_all(self) -> None:
        """What a power cut does to mounts, done when the container starts again."""
        with self._locked() as swaps:
            for swap in reversed(swaps):
                self._swap_back(swap)
            self._write_table([])

    def publish_image(self, image: str, token: str) -> None:
        source, target = self.image_root(image), self._published(token)
        if source is None:
            raise _failure(errno.ENOENT, image)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _copy_tree(source, target)

    def adopt_image(self, image: str, token: str) -> None:
        if not os.path.isdir(self._published(token)):
            raise _failure(errno.ENOENT, token)
        with self._locked() as swaps:
            if any(swap.image == image for swap in swaps):
                raise UnsupportedInvocation(f"{image} would change while it is mounted")
            _copy_tree(self._published(token), self._home(image))


def _file_name(name: str) -> str:
    """A name as one part of a path."""
    return "".join(letter if letter.isalnum() or letter in "-_." else f"%{ord(letter):02x}" for letter in name)


def _below(top: str, path: str) -> bool:
    return path.startswith(top.rstrip("/") + "/")


def _rename_directory(old: str, new: str) -> None:
    """Rename, also when the directory comes from an image layer; then a copy takes its place."""
    try:
        os.rename(old, new)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_tree(old, new)
        _remove_tree(old)


def _copy_tree(source: str, target: str) -> None:
    """Copy with owners, modes, times, hard links and extended attributes; files that vanish meanwhile are left out."""
    import subprocess

    new = f"{target}.new-{os.getpid()}"
    _remove_tree(new)
    done = subprocess.run(["/bin/cp", "-a", "-T", "--", source, new], capture_output=True, env={"LC_ALL": "C"})
    lines = done.stderr.splitlines()
    if done.returncode != 0 and not (lines and all(b"No such file or directory" in line for line in lines)):
        raise OSError(errno.EIO, done.stderr.decode(errors="replace"), target)
    _remove_tree(target)
    os.rename(new, target)


def _remove_tree(path: str) -> None:
    if os.path.lexists(path):
        import shutil

        shutil.rmtree(path)


def _in_use(top: str) -> bool:
    """Some process has its working directory or an open file there, as umount would find."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for link in (f"/proc/{pid}/cwd", *_descriptors(pid)):
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target == top or _below(top, target):
                return True
    return False


def _descriptors(pid: str) -> list[str]:
    try:
        return [f"/proc/{pid}/fd/{number}" for number in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return []
