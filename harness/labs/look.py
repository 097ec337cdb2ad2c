"""What the small Python programs of a lab may use that run inside a host, past everything that the engine uses."""

from __future__ import annotations

# Put before a program's text, behind the lab's own ``directory``, which says where an argument's content lies.
LOOKING = """
import json, os, stat, sys


def files_below(root):
    for folder, folders, names in os.walk(os.fsencode(root)):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield path, status


def objects(arguments):
    root = next(root for root in map(directory, arguments) if os.path.isdir(root))
    top = os.fsencode(root)
    return sorted(path for path, status in files_below(root) if status.st_size > 1 and os.path.dirname(path) != top)


def answer(found):
    json.dump(found, sys.stdout)


"""

# Cut the first object below the first place that there is to half its length; its time stays.
TRUNCATE = """
victim = objects(sys.argv[1:])[0]
before = os.stat(victim)
with open(victim, "r+b") as file:
    file.truncate(before.st_size // 2)
    os.fsync(file.fileno())
os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
after = os.stat(victim)
proven = after.st_size < before.st_size and after.st_mtime_ns == before.st_mtime_ns
answer({"victim": ascii(victim), "proven": proven})
"""
