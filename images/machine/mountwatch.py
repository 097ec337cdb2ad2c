"""Tell the kernel log what is mounted and unmounted: the kernel itself names only devices, and not for every kind.

The lab's door runs ``watch`` in a child of its own. The lab's own looks, below /run/walrus-lab/, are not told.
"""

import os
import select
import time

MOUNTS = "/proc/self/mounts"
OURS = "/run/walrus-lab/"
CLOCK_S = 20.0


def watch() -> None:
    """Write a line for every change, as it happens, and the time now and then; never returns."""
    with open("/dev/kmsg", "wb", buffering=0) as log, open(MOUNTS, "rb", buffering=0) as file:
        poll = select.poll()
        poll.register(file, select.POLLPRI | select.POLLERR)
        before = mounted(file)
        while True:
            say(log, f"clock {time.time():.6f}")
            poll.poll(CLOCK_S * 1000)
            now = mounted(file)
            for device, place in minus(before, now):
                say(log, f"unmount {device} {place}")
            for device, place in minus(now, before):
                say(log, f"mount {device} {place}")
            before = now


def mounted(file):
    """Device and mount point of all that lies on a block device, but the root."""
    file.seek(0)
    content = b""
    while True:
        chunk = file.read(65536)
        if not chunk:
            break
        content += chunk
    lines = (line.split(b" ") for line in content.splitlines())
    pairs = ((unescaped(line[0]), unescaped(line[1])) for line in lines)
    return [(one, at) for one, at in pairs if one.startswith("/dev/") and at != "/" and not at.startswith(OURS)]


def unescaped(word):
    """A path as it is: the file writes space, tab, newline and backslash in octal."""
    for escape, character in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
        word = word.replace(escape, character)
    return os.fsdecode(word)


def minus(those, these):
    """What is in one list and not, or less often, in the other."""
    left = list(these)
    found = []
    for one in those:
        if one in left:
            left.remove(one)
        else:
            found.append(one)
    return found


def say(log, words):
    """One line in the kernel log."""
    log.write(os.fsencode("walrus-lab: " + words.replace("\n", " ") + "\n"))
