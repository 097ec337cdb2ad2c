"""Programs of a host whose store has as many objects as wanted, and no content: they print what the real ones would.

Run as ``huge.py PROGRAM OBJECTS ARGUMENTS``; standard library only. Objects come in no order, as
a directory gives them.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator

_A_BUCKET = 1000
_STEP = 7_368_787  # a prime: stepping by it visits every object once, and neighbours seldom after each other
_BLOCK_LINES = 4096
_OWNER = "498"


def paths(objects: int) -> Iterator[tuple[int, str]]:
    """Every object with its number, in an order of no use."""
    for at in range(objects):
        number = at * _STEP % objects if objects % _STEP else at
        yield number, f"bucket{number // _A_BUCKET:06d}/{number:08d}-9f86d081-884c-7d65-9a2f-eaa0c55ad015"


def sha256_of(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()


def find(objects: int, root: str, *expression: str) -> Iterator[str]:
    """The ways in which it is asked: for a listing, to hash every file, and for what lies where a copy is to go."""
    if "-maxdepth" in expression:
        return
    if "-printf" not in expression:
        for _, path in paths(objects):
            yield f"{sha256_of(path)} *{root}/{path}\n"
        return
    yield _record("d", 4096, 1, "")
    for bucket in range(-(-objects // _A_BUCKET)):
        yield _record("d", 4096, 2 + bucket, f"bucket{bucket:06d}")
    for number, path in paths(objects):
        yield _record("f", number % 1_000_000, number, path)


def _record(kind: str, size: int, number: int, path: str) -> str:
    """An entry with the fields that the engine asks find for, all old."""
    modified, changed = f"1380000000.{number:010d}", f"1380000001.{number:010d}"
    mode, links = ("644", "1") if kind == "f" else ("755", "2")
    fields = (kind, str(size), mode, _OWNER, _OWNER, modified, changed, links, f"800:{number}", path, "", "")
    return "\0".join(fields)


def hashes_of_input() -> Iterator[str]:
    """What xargs has sha256sum print for the names on standard input."""
    for name in filter(None, sys.stdin.buffer.read().split(b"\0")):
        yield f"{sha256_of('/'.join(name.decode().split('/')[-2:]))} *{name.decode()}\n"


def run(program: str, objects: int, arguments: list[str]) -> Iterable[str]:
    match program:
        case "find":
            return find(objects, *arguments)
        case "xargs":
            return hashes_of_input()
        case "du":
            return [f"{objects * 500}\t{arguments[-1]}\n"]
        case _:  # cp, rsync, sync, sysctl, getfattr: nothing is there to be done
            return []


def main() -> None:
    lines: list[str] = []
    for line in run(sys.argv[1], int(sys.argv[2]), sys.argv[3:]):
        lines.append(line)
        if len(lines) == _BLOCK_LINES:
            sys.stdout.write("".join(lines))
            lines.clear()
    sys.stdout.write("".join(lines))


if __name__ == "__main__":
    main()
