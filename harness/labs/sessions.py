"""Ending the engine's ssh sessions on a host in the middle of a command, as a network that resets connections would."""

from __future__ import annotations

from harness.evidence import Receipt

COMMAND_BEGINS_WITHIN_S = 30.0

# SECONDS: wait until a program is at work in a session of sshd, then end all sessions without a word.
RESET = """
import signal, time


def processes():
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    begin, _, rest = file.read().rpartition(") ")
            except OSError:
                continue
            yield int(name), int(rest.split()[1]), begin.partition("(")[2]


def sessions():
    table = list(processes())
    names = {pid: name for pid, _, name in table}
    listening = {pid for pid, parent, name in table if name == "sshd" and names.get(parent) != "sshd"}
    found = {pid for pid, parent, name in table if name == "sshd" and parent in listening}
    below, grown = set(found), True
    while grown:
        more = {pid for pid, parent, _ in table if parent in below} - below
        below, grown = below | more, bool(more)
    shells = {pid for pid, parent, name in table if pid in below and name != "sshd" and names.get(parent) == "sshd"}
    busy = {(pid, names[pid]) for pid in below - shells if names[pid] != "sshd"}
    return {pid for pid in below if names[pid] == "sshd"}, busy


deadline = time.monotonic() + float(sys.argv[1])
daemons, busy, stays = set(), set(), False
while not stays and time.monotonic() < deadline:
    before = busy
    daemons, busy = sessions()
    stays = bool(before & busy)  # not one of the small programs by which a session begins
    time.sleep(0 if stays else 0.05)
for pid in daemons:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
answer({"sessions": len(daemons), "busy": len(busy)})
"""


def receipt(at: float, name: str, found: dict[str, int]) -> Receipt:
    """The proof, from what the program answered on the host of that name."""
    proven = found["sessions"] > 0 and found["busy"] > 0
    detail = f"{name}: ended {found['sessions']} of sshd's processes while {found['busy']} programs ran"
    return Receipt(at, "reset_ssh", proven, detail)
