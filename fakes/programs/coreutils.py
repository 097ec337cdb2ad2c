"""Small programs that make, move and remove files, or print one fact."""

from __future__ import annotations

import errno
import os

from fakes.filesystem import Filesystem
from fakes.machine import Machine
from fakes.program import Call, Program, Reply
from fakes.programs.gnu import (
    complaints,
    device_numbers,
    fails,
    memory,
    not_modelled,
    operand,
    operands,
    quoted,
    reason,
    simulated,
    status_of,
)
from fakes.programs.kernel_files import kernel_file


def uname(call: Call, machine: Machine) -> Reply:
    """``uname -n``, ``uname -r``."""
    here = simulated(machine)
    if call.argv[1:] not in (("-n",), ("-r",)):
        raise not_modelled(call)
    printed = here.node_name if call.argv[1] == "-n" else here.kernel
    return Reply(0, printed.encode() + b"\n")


def cat(call: Call, machine: Machine) -> Reply:
    """``cat FILE``, the kernel's own files included."""
    if len(call.argv) != 2 or call.argv[1].startswith("-"):
        raise not_modelled(call)
    path = call.argv[1]
    if path.startswith("/proc/"):
        return kernel_file(path, machine)
    try:
        return Reply(0, machine.files.read(path))
    except OSError as error:
        return fails(f"cat: {path}: {reason(error)}")


def identity(call: Call, machine: Machine) -> Reply:
    """``id -u USER``, ``id -g USER``."""
    if len(call.argv) != 3 or call.argv[1] not in ("-u", "-g"):
        raise not_modelled(call)
    found = user_ids(machine.files, call.argv[2])
    if found is None:
        return fails(f"id: {quoted(call.argv[2])}: no such user")
    return Reply(0, f"{found[call.argv[1] == '-g']}\n".encode())


def user_ids(files: Filesystem, name: str) -> tuple[int, int] | None:
    """uid and gid of a user by /etc/passwd."""
    for fields in _table(files, "/etc/passwd"):
        if fields[0] == name:
            return int(fields[2]), int(fields[3])
    return None


def group_id(files: Filesystem, name: str) -> int | None:
    """gid of a group by /etc/group."""
    return next((int(fields[2]) for fields in _table(files, "/etc/group") if fields[0] == name), None)


def _table(files: Filesystem, path: str) -> list[list[str]]:
    if not files.exists(path):
        return []
    return [line.split(":") for line in files.read(path).decode("utf-8", "surrogateescape").splitlines()]


def readlink(call: Call, machine: Machine) -> Reply:
    """``readlink -f -- PATH``."""
    path = operand(call, ("-f",))
    if device_numbers(machine, path):
        return Reply(0, os.fsencode(path) + b"\n")
    try:
        return Reply(0, os.fsencode(memory(machine).resolve(path)) + b"\n")
    except OSError:
        return Reply(1)


def test(call: Call, machine: Machine) -> Reply:
    """``test -b PATH``, ``test -e PATH``, and whether the kernel's caches can be dropped: ``test -w FILE``."""
    if call.argv[1:] == ("-w", "/proc/sys/vm/drop_caches"):
        return Reply(1 if simulated(machine).locked_settings or call.user != "root" else 0)
    if len(call.argv) != 3 or call.argv[1] not in ("-b", "-e"):
        raise not_modelled(call)
    path = call.argv[2]
    if device_numbers(machine, path):
        return Reply(0)
    if call.argv[1] == "-b":
        return Reply(1)
    try:
        machine.files.stat(memory(machine).resolve(path))
    except OSError:
        return Reply(1)
    return Reply(0)


def mkdir(call: Call, machine: Machine) -> Reply:
    """``mkdir -p -m MODE -- PATH``: the mode is the last directory's, and only when it is made."""
    if len(call.argv) != 6 or call.argv[1:3] != ("-p", "-m") or call.argv[4] != "--":
        raise not_modelled(call)
    mode, path, files = int(call.argv[3], 8), call.argv[5], memory(machine)
    parts = [part for part in path.split("/") if part]
    for depth in range(1, len(parts) + 1):
        directory = "/" + "/".join(parts[:depth])
        is_last = depth == len(parts)
        try:
            files.mkdir(directory, 0o755)
            if is_last:
                files.chmod(directory, mode)
        except OSError as error:
            if error.errno == errno.EEXIST and _is_directory(machine, directory):
                continue
            why = "Not a directory" if error.errno == errno.EEXIST and not is_last else reason(error)
            return fails(f"mkdir: cannot create directory {quoted(directory)}: {why}")
    return Reply()


def _is_directory(machine: Machine, path: str) -> bool:
    try:
        return machine.files.stat(memory(machine).resolve(path)).kind == "directory"
    except OSError:
        return False


def mv(call: Call, machine: Machine) -> Reply:
    """``mv -T -- OLD NEW`` within one file system."""
    names = operands(call, ("-T",))
    if len(names) != 2:
        raise not_modelled(call)
    old, new = names
    source, target = status_of(machine, old), status_of(machine, new)
    if source is None:
        return fails(f"mv: cannot stat {quoted(old)}: No such file or directory")
    if target and target.kind == "directory" and source.kind != "directory":
        return fails(f"mv: cannot overwrite directory {quoted(new)} with non-directory")
    if target and target.kind != "directory" and source.kind == "directory":
        return fails(f"mv: cannot overwrite non-directory {quoted(new)} with directory {quoted(old)}")
    try:
        machine.files.rename(old, new)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise not_modelled(call) from None
        return fails(f"mv: cannot move {quoted(old)} to {quoted(new)}: {reason(error)}")
    return Reply()


def rmdir(call: Call, machine: Machine) -> Reply:
    """``rmdir -- PATH``."""
    path = operand(call, ())
    try:
        machine.files.rmdir(path)
    except OSError as error:
        return fails(f"rmdir: failed to remove {quoted(path)}: {reason(error)}")
    return Reply()


def rm(call: Call, machine: Machine) -> Reply:
    """``rm -f -- PATH...`` for files, ``rm -rf [--one-file-system] -- PATH`` for a tree."""
    if call.argv[1:3] == ("-rf", "--one-file-system"):
        return _remove_tree(operand(call, ("-rf", "--one-file-system")), machine, one_volume=True)
    if call.argv[1:2] == ("-rf",):
        return _remove_tree(operand(call, ("-rf",)), machine)
    said = []
    for path in operands(call, ("-f",)):
        try:
            machine.files.unlink(path)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                said.append(f"rm: cannot remove {quoted(path)}: {reason(error)}")
    return complaints(said)


def _remove_tree(path: str, machine: Machine, one_volume: bool = False) -> Reply:
    """Everything below, other file systems included unless ``one_volume``."""
    files = memory(machine)
    if not files.exists(path):
        return Reply()
    said = []
    for name, status in reversed(files.scan(path, one_volume=one_volume)):
        try:
            files.rmdir(name) if status.kind == "directory" else files.unlink(name)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:  # what is below was complained about already
                said.append(f"rm: cannot remove {quoted(name)}: {reason(error)}")
    return complaints(said)


def chown(call: Call, machine: Machine) -> Reply:
    """``chown UID:GID -- PATH``, also with names; ``--`` may be missing before a plain path."""
    match [word for word in call.argv[1:] if word != "--"]:
        case [owner, path] if owner.count(":") == 1 and not owner.startswith("-"):
            user, group = owner.split(":")
        case _:
            raise not_modelled(call)
    uid, gid = _number(machine, user, is_group=False), _number(machine, group, is_group=True)
    if uid is None or gid is None:
        return fails(f"chown: invalid {'user' if uid is None else 'group'}: {quoted(owner)}")
    try:
        machine.files.chown(_existing(machine, path), uid, gid)
    except OSError as error:
        verb = "dereference" if machine.files.exists(path) else "access"
        return fails(f"chown: cannot {verb} {quoted(path)}: {reason(error)}")
    return Reply()


def _number(machine: Machine, name: str, is_group: bool) -> int | None:
    if name.isdigit():
        return int(name)
    if is_group:
        return group_id(machine.files, name)
    ids = user_ids(machine.files, name)
    return ids[0] if ids else None


def _existing(machine: Machine, path: str) -> str:
    """The path without links, of something that is there."""
    resolved = memory(machine).resolve(path)
    machine.files.stat(resolved)
    return resolved


def chmod(call: Call, machine: Machine) -> Reply:
    """``chmod MODE -- PATH`` with an octal mode; ``--`` may be missing before a plain path."""
    match [word for word in call.argv[1:] if word != "--"]:
        case [mode, path] if mode.isdigit():
            pass
        case _:
            raise not_modelled(call)
    try:
        target = _existing(machine, path)
        status = machine.files.stat(target)
        # A directory keeps its set-id bits under a mode of up to four digits.
        kept = status.mode & 0o6000 if status.kind == "directory" and len(mode) < 5 else 0
        machine.files.chmod(target, int(mode, 8) | kept)
    except OSError as error:
        if machine.files.exists(path):
            return fails(f"chmod: cannot operate on dangling symlink {quoted(path)}")
        return fails(f"chmod: cannot access {quoted(path)}: {reason(error)}")
    return Reply()


def sync(call: Call, machine: Machine) -> Reply:
    """``sync``: everything on this machine. ``sync [-f] -- PATH...``: each file, or each one's file system.

    Without operands it is sync(2), which does not tell when a disk refuses.
    """
    if len(call.argv) == 1:
        machine.files.sync()
        return Reply()
    files = memory(machine)
    whole = call.argv[1] == "-f"
    said = []
    for path in operands(call, ("-f",) if whole else ()):
        if not files.exists(path):
            said.append(f"sync: error opening {quoted(path)}: No such file or directory")
            continue
        try:
            files.sync_filesystem(path) if whole else files.sync_file(path)
        except OSError as error:
            said.append(f"sync: error syncing {quoted(path)}: {reason(error)}")
    return complaints(said)


def true(call: Call, machine: Machine) -> Reply:
    """``true``."""
    return Reply()


def touch(call: Call, machine: Machine) -> Reply:
    """``touch -c -m -r REFERENCE -- PATH``: the same modification time, to the nanosecond."""
    if call.argv[1:4] != ("-c", "-m", "-r") or len(call.argv) < 5:
        raise not_modelled(call)
    reference, path = call.argv[4], operand(call, call.argv[1:5])
    files = memory(machine)
    try:
        time_ns = files.stat(files.resolve(reference)).mtime_ns
    except OSError as error:
        return fails(f"touch: failed to get attributes of {quoted(reference)}: {reason(error)}")
    if files.exists(path):  # -c makes nothing, and does not complain
        files.utime(files.resolve(path), time_ns)
    return Reply()


PROGRAMS: dict[str, Program] = {
    "touch": touch,
    "uname": uname,
    "cat": cat,
    "id": identity,
    "readlink": readlink,
    "test": test,
    "mkdir": mkdir,
    "mv": mv,
    "rmdir": rmdir,
    "rm": rm,
    "chown": chown,
    "chmod": chmod,
    "sync": sync,
    "true": true,
}
