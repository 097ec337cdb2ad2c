"""Files in memory behave as the kernel's do: the same calls give the same tree and the same errors."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.memory import MemoryFilesystem

NAMES = ["a", "b", "a/a", "a/b", "b/a", "a/a/b", "missing/x", "lnk", "lnk/a", "a/lnk", "odd\nname", "-dash", "\udcff"]
PATHS = st.sampled_from(NAMES)
Step = tuple[str, tuple[object, ...]]

STEPS = st.one_of(
    st.tuples(st.just("write"), st.tuples(PATHS, st.binary(max_size=3))),
    st.tuples(st.just("mkdir"), st.tuples(PATHS)),
    st.tuples(st.just("rmdir"), st.tuples(PATHS)),
    st.tuples(st.just("unlink"), st.tuples(PATHS)),
    st.tuples(st.just("rename"), st.tuples(PATHS, PATHS)),
    st.tuples(st.just("link"), st.tuples(PATHS, PATHS)),
    st.tuples(st.just("symlink"), st.tuples(st.sampled_from(["a", "../b", "b/a", "lnk", "nowhere"]), PATHS)),
    st.tuples(st.just("chmod"), st.tuples(PATHS, st.sampled_from([0o600, 0o2755, 0o1777, 0o4711]))),
    st.tuples(st.just("chown"), st.tuples(PATHS, st.sampled_from([0, 498]), st.sampled_from([0, 498]))),
    st.tuples(st.just("read"), st.tuples(PATHS)),
    st.tuples(st.just("readlink"), st.tuples(PATHS)),
    st.tuples(st.just("listdir"), st.tuples(PATHS)),
)


def _outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except OSError as error:
        return error.errno


def _real(root: Path, step: Step) -> object:
    name, arguments = step
    paths = [str(root / a) if isinstance(a, str) and not (name == "symlink" and at == 0) else a
             for at, a in enumerate(arguments)]  # fmt: skip
    calls: dict[str, Callable[..., object]] = {
        "write": _real_write,
        "mkdir": lambda path: os.mkdir(path, 0o755),
        "rmdir": os.rmdir,
        "unlink": os.unlink,
        "rename": os.rename,
        "link": lambda old, new: os.link(old, new, follow_symlinks=False),
        "symlink": os.symlink,
        "chmod": os.chmod,
        "chown": os.lchown,
        "read": lambda path: Path(path).read_bytes(),
        "readlink": os.readlink,
        "listdir": lambda path: sorted(os.listdir(path), key=os.fsencode),
    }
    return _outcome(lambda: calls[name](*paths))


def _real_write(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(descriptor, content)
    os.close(descriptor)


def _modelled(files: MemoryFilesystem, step: Step) -> object:
    name, arguments = step
    paths = [f"/top/{a}" if isinstance(a, str) and not (name == "symlink" and at == 0) else a
             for at, a in enumerate(arguments)]  # fmt: skip
    return _outcome(lambda: getattr(files, name)(*paths))


def _real_tree(root: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for folder, directories, names in os.walk(root):
        for name in [*directories, *names]:
            path = os.path.join(folder, name)
            stat = os.lstat(path)
            content = os.readlink(path) if os.path.islink(path) else b""
            if os.path.isfile(path) and not os.path.islink(path):
                content = Path(path).read_bytes()
            key = os.path.relpath(path, root)
            found[key] = (stat.st_mode & 0o7777, stat.st_uid, stat.st_gid, stat.st_nlink, content)
    return found


def _modelled_tree(files: MemoryFilesystem) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in files.walk("/top"):
        stat = files.stat(path)
        content: object = files.readlink(path) if stat.kind == "symlink" else b""
        if stat.kind == "file":
            content = files.read(path)
        found[path.removeprefix("/top/")] = (stat.mode, stat.uid, stat.gid, stat.links, content)
    del found["/top"]
    return found


@settings(max_examples=600, deadline=None, derandomize=True)
@given(st.lists(STEPS, max_size=25))
def test_random_calls_have_the_same_outcome(steps: list[Step]) -> None:
    outer = Path(tempfile.mkdtemp())
    root = outer / "top"
    root.mkdir()
    umask = os.umask(0o022)
    try:
        files = MemoryFilesystem()
        files.mkdir("/top")
        for step in steps:
            assert _modelled(files, step) == _real(root, step), step
        assert _modelled_tree(files) == _real_tree(root)
    finally:
        os.umask(umask)
        shutil.rmtree(outer)
