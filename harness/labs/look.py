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

# One byte in the middle of a file changes; size and times stay. True when that is so.
_FLIP = """
def flip(victim):
    before = os.stat(victim)
    middle = before.st_size // 2
    with open(victim, "r+b") as file:
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 1]))
        file.flush()
        os.fsync(file.fileno())
    os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.sync()
    after = os.stat(victim)
    with open(victim, "rb") as file:
        file.seek(middle)
        changed = file.read(1)[0] == byte ^ 1
    return changed and (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


"""

# Flip a byte of the first object below the first place that there is.
FLIP = (
    _FLIP
    + """
victim = objects(sys.argv[1:])[0]
answer({"victim": ascii(victim), "proven": flip(victim)})
"""
)

# Write over the first object, or delete the last one.
WRITE = """
victim = objects(sys.argv[1:])[0]
with open(victim, "wb") as file:
    file.write(b"written by somebody who was not stopped")
    file.flush()
    os.fsync(file.fileno())
answer({"victim": ascii(victim), "proven": open(victim, "rb").read().startswith(b"written")})
"""
DELETE = """
victim = objects(sys.argv[1:])[-1]
os.unlink(victim)
directory = os.open(os.path.dirname(victim), os.O_RDONLY)
os.fsync(directory)
os.close(directory)
answer({"victim": ascii(victim), "proven": not os.path.lexists(victim)})
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
CLIENT = (
    _FLIP
    + """
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
    flipped = flip(victim)
os.sync()
there = os.path.exists(victim)
proven = {
    "write": lambda: open(victim, "rb").read() == content,
    "overwrite": lambda: open(victim, "rb").read() == content,
    "delete": lambda: not there,
    "rename": lambda: not there and os.path.exists(new),
    "disguise": lambda: flipped,
}[deed]()
answer({"victim": ascii(victim), "proven": proven})
"""
)
