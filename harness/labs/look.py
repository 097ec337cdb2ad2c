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

# What a client does to an object: the store, the deed, a number that no other deed has. As Walrus does it, content is
# written under a temporary name of the same bucket and renamed; a disguise is a change whose time somebody puts back.
CLIENT = """
place, deed, number = sys.argv[1:4]
found = objects([place])
first = {"write": 0, "overwrite": 0, "delete": 1, "rename": 2, "disguise": int(number)}[deed]
victim = found[first % len(found)]
before = os.stat(victim)
content = f"deed {number} of a client".encode()
new = os.path.dirname(victim) + b"/" + f"client-{number}".encode()
if deed in ("write", "overwrite"):
    with open(new + b".tmp", "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chown(new + b".tmp", before.st_uid, before.st_gid)
    victim = new if deed == "write" else victim
    os.rename(new + b".tmp", victim)
elif deed == "delete":
    os.unlink(victim)
elif deed == "rename":
    os.rename(victim, new)
else:
    with open(victim, "r+b") as file:
        file.seek(before.st_size // 2)
        byte = file.read(1)[0]
        file.seek(before.st_size // 2)
        file.write(bytes([byte ^ 1]))
        file.flush()
        os.fsync(file.fileno())
    os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
os.sync()
there = os.path.exists(victim)
proven = {
    "write": lambda: open(victim, "rb").read() == content,
    "overwrite": lambda: open(victim, "rb").read() == content,
    "delete": lambda: not there,
    "rename": lambda: not there and os.path.exists(new),
    "disguise": lambda: (os.stat(victim).st_mtime_ns, os.stat(victim).st_size) == (before.st_mtime_ns, before.st_size),
}[deed]()
answer({"victim": ascii(victim), "proven": proven})
"""
