"""Stores to move: planned from a seed, then made in memory or on a disk with the same content.

The layout is Walrus' own (a directory a bucket, flat files under random names). Hostile plans add what Walrus does not
write and what a copy must bring over all the same: odd names, links, attributes, modes, times.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from fakes.content import Blob, Content, sha256, to_bytes
from fakes.memory import MemoryFilesystem

_FIRST_MTIME_NS = 1_380_000_000 * 10**9
_OBJECTS_A_BUCKET = 20
_SPREAD = 1.3  # of the logarithm of sizes
_HOLE_BYTES = 192 * 1024
_BLOCK_BYTES = 4096

ODD_NAMES = (
    "new\nline",
    "trailing newline\n",
    "tab\tand  spaces ",
    " leading space",
    "quo'te\"s",
    "-rf",
    "--delete",
    "back\\slash\\n",
    "carriage\rreturn",
    "$(reboot) `id` ${HOME}",
    "*?[a-z]{x,y}~",
    "; rm & | < > # !",
    "latin-1 \udce9t\udce9",
    "\udcff\udcfe\udc80",
    "snowman \u2603 \U0001f4a5",
    "percent%2Fescaped%",
    "# file: misleading",
    ".hidden",
    "\x01\x1b[31mred\x7f",
    "long-" + "n" * 250,
)


@dataclass(frozen=True)
class Item:
    """One entry of a store. Paths are relative to it; parents come before what they hold."""

    path: str
    kind: Literal["file", "directory", "symlink"]
    mode: int = 0o644
    mtime_ns: int = _FIRST_MTIME_NS
    content: Content = b""
    target: str = ""
    link_to: str = ""  # another item's path: a hard link to it, all else is that item's
    xattrs: tuple[tuple[str, bytes], ...] = ()
    of_root: bool = False  # owned by root instead of by the store's user


def plan_store(objects: int, bytes: int, seed: int, hostile: bool) -> list[Item]:
    """A store of so many objects whose sizes add up to ``bytes``; the same arguments give the same store.

    Hostile entries come on top: some objects have odd names, and links, an empty bucket and more are added.
    """
    rng = random.Random(seed)
    names = [_uuid(rng) for _ in range(objects)]
    if hostile:
        names[: len(ODD_NAMES)] = ODD_NAMES[:objects]
    buckets = [_bucket(rng, number) for number in range(max(1, -(-objects // _OBJECTS_A_BUCKET)))]
    found = [Item(bucket, "directory", 0o755, _mtime(rng)) for bucket in buckets]
    for number, (name, size) in enumerate(zip(names, _sizes(rng, objects, bytes), strict=True)):
        path = f"{buckets[number % len(buckets)]}/{name}"
        found.append(Item(path, "file", 0o644, _mtime(rng), Blob(f"{seed}/{number}", size)))
    if hostile and objects:
        found = [*_dressed(found, len(buckets)), *_extras(rng, buckets, found[-1].path)]
    return found


def _uuid(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _bucket(rng: random.Random, number: int) -> str:
    return f"snapset-{_uuid(rng)}" if number % 3 == 2 else f"bucket{number}.{rng.getrandbits(24):06x}"


def _mtime(rng: random.Random) -> int:
    return _FIRST_MTIME_NS + rng.randrange(40_000_000 * 10**9)


def _sizes(rng: random.Random, objects: int, total: int) -> list[int]:
    """Many small and few large, adding up exactly."""
    weights = [rng.lognormvariate(0.0, _SPREAD) for _ in range(objects)]
    sizes = [int(total * weight / sum(weights)) for weight in weights]
    if sizes:
        sizes[sizes.index(max(sizes))] += total - sum(sizes)
    return sizes


_DRESSES: tuple[Callable[[Item], Item], ...] = (
    lambda item: replace(item, mode=0o600, xattrs=(("user.comment", b"kept"),)),
    lambda item: replace(item, mode=0o4755),
    lambda item: replace(item, mode=0o000),
    lambda item: replace(item, mode=0o2644, of_root=True),
    lambda item: replace(item, xattrs=(("user.binary", bytes(range(128))), ("user.empty", b""))),
    lambda item: replace(item, mtime_ns=999_999_999),
    lambda item: replace(item, mode=0o1666, mtime_ns=4_000_000_000 * 10**9 + 1),
)


def _dressed(plain: list[Item], buckets: int) -> list[Item]:
    """The same entries, some with modes, owners, times and attributes out of the ordinary."""
    bucket = replace(plain[buckets - 1], mode=0o2775, xattrs=(("user.bucket", b"\x00\xff"),))
    dressed = [dress(item) for dress, item in zip(_DRESSES, plain[buckets:], strict=False)]
    return [*plain[: buckets - 1], bucket, *dressed, *plain[buckets + len(dressed) :]]


def _extras(rng: random.Random, buckets: list[str], an_object: str) -> Iterator[Item]:
    """What no bucket listing shows: links, an empty bucket and file, a file of holes, something foreign."""
    first, last = buckets[0], buckets[-1]
    yield Item("empty-bucket", "directory", 0o700, _mtime(rng))
    yield Item(f"{first}/empty", "file", 0o644, _mtime(rng))
    yield Item(f"{first}/holes", "file", 0o644, _mtime(rng), bytes(_HOLE_BYTES) + b"after the hole")
    yield Item(f"{first}/to-object", "symlink", 0o777, _mtime(rng), target=an_object.rpartition("/")[2])
    yield Item(f"{last}/dangling", "symlink", 0o777, _mtime(rng), target="../nowhere/\udcff")
    yield Item(f"{last}/second-name", "file", link_to=an_object)
    yield Item("empty-bucket.links", "directory", 0o755, _mtime(rng))
    yield Item("empty-bucket.links/third-name", "file", link_to=an_object)
    yield Item(".foreign", "file", 0o600, _mtime(rng), b"not an object\n", of_root=True)


def objects(items: list[Item]) -> list[tuple[str, str]]:
    """BUCKET/NAME and sha256 of every object that Walrus would serve."""
    by_path = {item.path: item for item in items}
    return [
        (item.path, sha256(by_path[item.link_to or item.path].content))
        for item in items
        if item.kind == "file" and "/" in item.path
    ]


def materialise(files: MemoryFilesystem, root: str, items: list[Item], uid: int, gid: int) -> None:
    """Make the store in memory, durably; its root is 0700 and made where it is missing."""
    if not files.exists(root):
        files.mkdir(root)
    for item in items:
        path = f"{root}/{item.path}"
        if item.link_to:
            files.link(f"{root}/{item.link_to}", path)
            continue
        if item.kind == "directory":
            files.mkdir(path)
        elif item.kind == "symlink":
            files.symlink(item.target, path)
        else:
            files.put_content(path, item.content)
        files.chown(path, *((0, 0) if item.of_root else (uid, gid)))
        if item.kind != "symlink":
            files.chmod(path, item.mode)
        files.put_xattrs(path, dict(item.xattrs))
    for item in reversed(items):
        if not item.link_to:
            files.utime(f"{root}/{item.path}", item.mtime_ns)
    files.chown(root, uid, gid)
    files.chmod(root, 0o700)
    files.utime(root, _FIRST_MTIME_NS)
    files.sync()


def materialise_on_disk(root: str, items: list[Item], uid: int, gid: int) -> list[str]:
    """The same on this machine's disk. Returns what its file system could not hold, if anything."""
    os.makedirs(root, exist_ok=True)
    notes: list[str] = []
    for item in items:
        path = os.path.join(root, item.path)
        if item.link_to:
            os.link(os.path.join(root, item.link_to), path)
            continue
        _make_on_disk(path, item)
        os.chown(path, *((0, 0) if item.of_root else (uid, gid)), follow_symlinks=False)
        if item.kind != "symlink":
            os.chmod(path, item.mode)
        notes += _attributes_on_disk(path, item)
    for item in reversed(items):
        if not item.link_to:
            times = (item.mtime_ns, item.mtime_ns)
            os.utime(os.path.join(root, item.path), ns=times, follow_symlinks=False)
    os.chown(root, uid, gid)
    os.chmod(root, 0o700)
    os.utime(root, ns=(_FIRST_MTIME_NS, _FIRST_MTIME_NS))
    os.sync()
    return notes


def _make_on_disk(path: str, item: Item) -> None:
    if item.kind == "directory":
        os.mkdir(path)
    elif item.kind == "symlink":
        os.symlink(item.target, path)
    else:
        content = to_bytes(item.content)
        holes = _leading_hole(content)
        with Path(path).open("xb") as file:
            file.truncate(len(content))
            file.seek(holes)
            file.write(content[holes:])


def _leading_hole(content: bytes) -> int:
    """Whole blocks of zeros that the content begins with."""
    if content[:_BLOCK_BYTES] != bytes(_BLOCK_BYTES):
        return 0
    return (len(content) - len(content.lstrip(b"\0"))) // _BLOCK_BYTES * _BLOCK_BYTES


def _attributes_on_disk(path: str, item: Item) -> list[str]:
    try:
        for name, value in item.xattrs:
            os.setxattr(path, name, value, follow_symlinks=False)
    except OSError as error:
        return [f"{item.path!r} has no extended attributes: {error.strerror}"]
    return []
