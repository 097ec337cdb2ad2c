"""What the truth of a machines lab runs inside a host: Python texts for the lab's door, which adds its prelude."""

from __future__ import annotations

# The fakes' modules without what half of their loading goes into: see fakes/run.py.
_FAKES = """
from fakes import lighttyping
sys.modules["typing"] = lighttyping
from fakes import lightclasses
sys.modules["dataclasses"] = lightclasses
from fakes import truth
from fakes.disk import PlainFiles
"""

SNAPSHOT = (
    _FAKES
    + """
import subprocess

service, disk, store, staging, *watched = sys.argv[1:]
files = PlainFiles()


def services():
    if not os.path.exists(f"/etc/init.d/{service}"):
        return {}
    from fakes.realhost import RealHost
    found = RealHost("", "").services()
    return {name: {"running": one.running, "starts at boot": one.starts_at_boot} for name, one in found.items()}


def first_look(device):
    done = subprocess.run(["blkid", "-p", "-o", "value", "-s", "TYPE", device], capture_output=True, text=True)
    return done.stdout.split("\\n")[0] or "blank"


def mounts():
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as table:
        rows = [line.split(" ")[:2] for line in table]
    return [row for row in rows if row[0].startswith("/dev/") and not row[1].startswith("/run/walrus-lab/")]


def text(path):
    return files.read(path).decode("utf-8", "backslashreplace") if files.exists(path) else None


answer({
    "files": {path: text(path) for path in watched},
    "services": services(),
    "disks": {disk: first_look(disk)} if disk else {},
    "mounts": mounts(),
    "leftovers": truth.leftovers(files, store, staging),
})
"""
)

# SERVICE: whether it runs.
RUNS = (
    _FAKES
    + """
from fakes.realhost import RealHost
found = RealHost("", "").services().get(sys.argv[1])
answer(found is not None and found.running)
"""
)

LISTING = (
    _FAKES
    + """
import types
answer(truth.listing(types.SimpleNamespace(files=PlainFiles())))
"""
)

# DISK DEVICE FILESYSTEM, then what is asked for. ``content`` is where the device's content lies.
#
# It is read where the device is mounted; elsewhere from the disk below DRBD, through a snapshot whose changes go to
# memory: mounting it lets the file system repair its journal there, and not a byte of the disk changes.
_CONTENT = r"""
from contextlib import contextmanager

disk, device, filesystem, *asked = sys.argv[1:]
OURS = "/run/walrus-lab"


def tool(*argv):
    import subprocess  # most looks need no program, and it takes a tenth of a second to load
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(5, f"`{' '.join(argv)}` ended with status {done.returncode}: {done.stderr.strip()}", device)
    return done.stdout.strip()


def mounted_at():
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as table:
        rows = [line.split(" ") for line in table]
    return next((row[1] for row in rows if row[0] == device), None)


def fresh():
    # What is in memory alone proves nothing: what can be dropped is read from the disk again.
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3")


@contextmanager
def content():
    place = mounted_at()
    if place is not None:
        yield place
        return
    with open(disk, "rb", buffering=0) as file:
        begin = file.read(4096)
    if begin[1080:1082] != b"\x53\xef" and begin[:4] != b"XFSB":
        raise OSError(2, "no file system lies there", device)
    look, changes = f"{OURS}/look", f"{OURS}/changes"
    os.makedirs(look, exist_ok=True)
    undo = []
    try:
        with open(changes, "wb") as file:
            file.truncate(64 * 1024 * 1024)
        undo.append(lambda: os.unlink(changes))
        if not all(os.path.isdir(f"/sys/module/{module}") for module in ("loop", "dm_snapshot")):
            tool("modprobe", "-a", "loop", "dm-snapshot")
        with open(f"/sys/block/{os.path.basename(disk)}/size") as file:
            sectors = file.read().strip()
        loop = tool("losetup", "--find", "--show", changes)
        undo.append(lambda: tool("losetup", "--detach", loop))
        tool("dmsetup", "create", "walrus-look", "--noudevsync", "--table", f"0 {sectors} snapshot {disk} {loop} N 8")
        undo.append(lambda: tool("dmsetup", "remove", "--retry", "--noudevsync", "walrus-look"))
        with open("/dev/kmsg", "w") as log:
            log.write(f"walrus-lab: look dm-{os.minor(os.stat('/dev/mapper/walrus-look').st_rdev)}\n")
        tool("mount", "-t", filesystem, "-o", "ro", "/dev/mapper/walrus-look", look)
        undo.append(lambda: tool("umount", look))
        yield look
    finally:
        for step in reversed(undo):
            step()
"""

# "walk PLACE PATH" or "count PLACE PATH" as often as wanted.
PLACES = (
    _FAKES
    + _CONTENT
    + r"""

def walked(root):
    return truth.manifest(PlainFiles(), os.path.realpath(root))


def counted(root):
    root = os.path.realpath(root)
    if not os.path.isdir(root):
        return []
    import subprocess
    stat = ["find", root, "-type", "f", "-exec", "stat", "--printf", r"%i %W %w %s\n", "--", "{}", "+"]
    done = subprocess.run(stat, capture_output=True, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
    return [line.rsplit(" ", 1) for line in done.stdout.decode().splitlines()]


found = {"manifests": {}, "files": {}}
if any(one.startswith("walk ") for one in asked):
    fresh()
for one in asked:
    verb, place, path = one.split(" ", 2)
    if verb == "count" and place != "device":
        found["files"][place] = counted(path)
    elif verb == "count":
        try:
            with content() as root:  # a host that did not become the primary has it mounted nowhere
                found["files"][place] = counted(root)
        except OSError as error:
            if error.errno != 2:
                raise
            found["files"][place] = []
    elif place != "device":
        found["manifests"][place] = walked(path)
    elif disk:
        try:
            with content() as root:
                found["manifests"][place] = walked(root)
        except OSError as error:
            found["manifests"][place] = {"entries": [], "error": f"{error.filename}: {error.strerror}"}
answer(found)
"""
)

# Seconds, host, paths. HTTP/1.0, so that the answer ends with the connection and no library has to be loaded for it.
FETCH = r"""
import hashlib, socket

timeout_s, host, *paths = sys.argv[1:]


def fetch(path):
    try:
        with socket.create_connection((host, 8773), timeout=int(timeout_s)) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            said = b""
            while part := connection.recv(1 << 18):
                said += part
    except OSError:
        return [0, None]
    head, _, body = said.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    sizes = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
    if not lines[0].startswith(b"HTTP/") or sizes and sizes[0] != len(body):
        return [0, None]
    status = int(lines[0].split(b" ")[1])
    return [status, hashlib.sha256(body).hexdigest() if status == 200 else None]


answer([fetch(path) for path in paths])
"""

# PATH: the cloud's world, where its file lies; null elsewhere.
WORLD = """
try:
    with open(sys.argv[1]) as file:
        answer(json.load(file))
except FileNotFoundError:
    answer(None)
"""

# Where on the disk the middle byte of an object lies, for the first object that has a block there.
LOCATE = (
    _CONTENT
    + r"""
import fcntl, struct

FIEMAP, SYNC = 0xC020660B, 1


def on_disk(path, offset):
    with open(path, "rb") as file:
        asked = bytearray(struct.pack("=QQLLLL", offset, 1, SYNC, 0, 1, 0) + bytes(56))
        fcntl.ioctl(file, FIEMAP, asked)
    if struct.unpack_from("=L", asked, 20)[0] == 0:
        return None
    logical, physical, length = struct.unpack_from("=QQQ", asked, 32)
    return physical + offset - logical if logical <= offset < logical + length else None


with content() as root:
    os.sync()
    for victim in objects([root]):
        middle = os.stat(victim).st_size // 2
        place = on_disk(victim, middle)
        if place is not None:
            with open(victim, "rb") as file:
                file.seek(middle)
                answer({"victim": ascii(victim), "at": place, "byte": file.read(1)[0]})
            break
"""
)

# DIRECTORY LEFT_BYTES FILLER: take all room but a little; prints what is left.
FILL = """
root, left, filler = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def free():
    found = os.statvfs(root)
    return found.f_bavail * found.f_frsize


# A copy that is under way takes room between looking and filling: then look again, or there is none left at all.
with open(filler, "ab") as file:
    for _ in range(50):
        room = free() - left
        if room <= 0:
            break
        try:
            os.posix_fallocate(file.fileno(), file.seek(0, 2), room)
        except OSError:
            left += 16384
            if left > 4 * int(sys.argv[2]):
                break
    os.fsync(file.fileno())
answer(free())
"""

# PATH: how long reading the disk's first block takes, past the page cache; None when it fails.
READ_FIRST = """
import mmap
began = time.monotonic()
try:
    file = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
    os.readv(file, [mmap.mmap(-1, 4096)])
    answer(time.monotonic() - began)
except OSError as error:
    answer(None)
"""
