"""Block devices as blockdev and lsblk show them, and file systems as mkfs makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, UnsupportedInvocation
from fakes.programs import disk_tree, drbd_content
from fakes.programs.devices import Device, device, find
from fakes.programs.drbd_kernel import attached_to
from fakes.programs.drbd_model import mark_written, settle
from fakes.programs.signatures import signatures
from fakes.world import HostRow, World

_KIB = 1024
_SMALLEST_XFS_BYTES = 300 * _KIB * _KIB


# blockdev


def blockdev(call: Call, machine: Machine) -> Reply:
    """``blockdev --getsize64 DEVICE...`` and ``blockdev --flushbufs DEVICE...``."""
    verb, paths = call.argv[1:2], call.argv[2:]
    if verb not in (("--getsize64",), ("--flushbufs",)) or not paths or call.user != "root":
        raise UnsupportedInvocation(" ".join(call.argv))
    printed = ""
    with machine.world() as world:
        for path in paths:
            found = find(world, machine, path)
            reason = "No such file or directory" if found is None else "Wrong medium type"
            if found is None or not found.open_for_reading:
                return Reply(1, printed.encode(), f"blockdev: cannot open {path}: {reason}\n".encode())
            if verb == ("--getsize64",):
                printed += f"{found.size_bytes}\n"
            else:
                _flush(machine, found)
    return Reply(0, printed.encode())


def _flush(machine: Machine, found: Device) -> None:
    """What is mounted from the device is flushed with it."""
    from fakes.memory import MemoryFilesystem

    if isinstance(machine.files, MemoryFilesystem):
        for at in found.mounts:
            machine.files.sync_filesystem(at)


# lsblk


class Node(NamedTuple):
    """One row of lsblk, with what is stacked on it."""

    name: str
    size_bytes: int
    type: str
    mountpoint: str
    children: list[Node]


def lsblk(call: Call, machine: Machine) -> Reply:
    """``lsblk -n -r -o NAME,TYPE,MOUNTPOINT [DEVICE...]``, ``lsblk -J -o NAME,SIZE,TYPE,FSTYPE,MOUNTPOINT``.

    ``lsblk -n -i -o NAME,MAJ:MIN`` shows the disk under the system too.
    """
    if call.argv[1:] == ("-n", "-i", "-o", "NAME,MAJ:MIN"):
        with machine.world() as world:
            settle(world, machine.now())
            return Reply(0, disk_tree.text(world, machine).encode())
    raw = call.argv[1:5] == ("-n", "-r", "-o", "NAME,TYPE,MOUNTPOINT")
    if not raw and call.argv[1:] != ("-J", "-o", "NAME,SIZE,TYPE,FSTYPE,MOUNTPOINT"):
        raise UnsupportedInvocation(" ".join(call.argv))
    paths = call.argv[5:]
    with machine.world() as world:
        settle(world, machine.now())
        row = machine.row(world)
        chosen, complaints = [], ""
        for path in paths or tuple(row.disks):
            found = device(world, row, path)
            if found is None:
                complaints += f"lsblk: {path}: not a block device\n"
            else:
                chosen.append(_node(world, row, found))
        text = "".join(_raw_lines(chosen)) if raw else _json(chosen)
    return Reply(32 if complaints else 0, text.encode("utf-8", "surrogateescape"), complaints.encode())


def _node(world: World, row: HostRow, found: Device) -> Node:
    children = []
    if found.disk is not None:
        side = attached_to(row, found.disk)
        above = device(world, row, side.device) if side else None
        children = [_node(world, row, above)] if above else []
        children += [Node(name, found.size_bytes, "lvm", "", []) for name in found.disk.holders]
    at = "[SWAP]" if found.is_swap else found.mounts[-1] if found.mounts else ""
    return Node(found.name, found.size_bytes, "disk", at, children)


def _raw_lines(nodes: list[Node]) -> Iterator[str]:
    for node in nodes:
        at = "".join(f"\\x{ord(sign):02x}" if sign in " \t\n\\" else sign for sign in node.mountpoint)
        yield f"{node.name} {node.type} {at}\n"
        yield from _raw_lines(node.children)


def _json(nodes: list[Node]) -> str:
    return '{\n   "blockdevices": [\n' + _json_items(nodes, 6) + "   ]\n}\n"


def _json_items(nodes: list[Node], indent: int) -> str:
    space = " " * indent
    items = (f"{{\n{_json_item(node, indent + 3)}{space}}}" for node in nodes)
    return f"{space}{','.join(items)}\n"


def _json_item(node: Node, indent: int) -> str:
    """FSTYPE comes from udev's database, which these hosts do not have."""
    space = " " * indent
    at = f'"{node.mountpoint}"' if node.mountpoint else "null"
    fields = [f'"name": "{node.name}"', f'"size": "{human(node.size_bytes)}"', f'"type": "{node.type}"']
    fields += ['"fstype": null', f'"mountpoint": {at}']
    text = ",\n".join(space + field for field in fields)
    if node.children:
        text += f',\n{space}"children": [\n{_json_items(node.children, indent + 3)}{space}]'
    return text + "\n"


def human(size_bytes: int) -> str:
    """A size with one decimal where it needs one, as util-linux rounds."""
    exponent = max(0, (size_bytes.bit_length() - 1) // 10)
    whole, rest = divmod(size_bytes, 1 << 10 * exponent)
    tenths = (rest * 10 * _KIB // (1 << 10 * exponent) + 512) // _KIB if exponent else 0
    if tenths == 10:
        whole, tenths = whole + 1, 0
    return f"{whole}{f'.{tenths}' if tenths else ''}{'BKMGTPE'[exponent]}"


# mkfs


def mkfs(call: Call, machine: Machine) -> Reply:
    """``mkfs.TYPE -q [-F|-f] [-U UUID] [-L LABEL] DEVICE``; mkfs.xfs knows no -U."""
    kind = call.argv[0].removeprefix("mkfs.")
    path, (options, given) = call.argv[-1], _options(call.argv[1:-1])
    known = {"-q", "-f", "-L"} if kind == "xfs" else {"-q", "-F", "-U", "-L"}
    if path.startswith("-") or not options | given.keys() <= known or call.user != "root":
        raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        found = find(world, machine, path)
        check = _xfs_refusal if kind == "xfs" else _ext_refusal
        refusal = check(call, path, found)
        if refusal or found is None:
            return Reply(1, b"", refusal.encode())
        _make(machine, found, kind)
        _name(call, found, given)
        world.record(machine.now(), found.row.name, "destroy", " ".join(call.argv))
    return Reply()


def _options(words: Sequence[str]) -> tuple[set[str], dict[str, str]]:
    """Options without a value, and those with one."""
    left, bare, given = list(words), set[str](), dict[str, str]()
    while left:
        word = left.pop(0)
        if word in ("-U", "-L") and left:
            given[word] = left.pop(0)
        else:
            bare.add(word)
    return bare, given


def _name(call: Call, found: Device, given: dict[str, str]) -> None:
    if given and found.disk is None:
        raise UnsupportedInvocation(f"{' '.join(call.argv)}: a name for a replicated file system is not modelled")
    if found.disk is not None:
        found.disk.uuid, found.disk.label = given.get("-U", found.disk.uuid), given.get("-L", "")


def xfs_admin(call: Call, machine: Machine) -> Reply:
    """``xfs_admin -U UUID DEVICE``, of a disk that nobody uses."""
    if len(call.argv) != 4 or call.argv[1] != "-U" or call.user != "root":
        raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        found = find(world, machine, call.argv[3])
        if found is None or found.disk is None or found.disk.signature != "xfs" or found.mounts or found.claimed:
            raise UnsupportedInvocation(f"{' '.join(call.argv)}: only an idle xfs is modelled")
        found.disk.uuid = call.argv[2]
    return Reply(0, f"Clearing log and setting UUID\nwriting all SBs\nnew UUID = {call.argv[2]}\n".encode())


def _make(machine: Machine, found: Device, kind: str) -> None:
    if found.one is not None:
        drbd_content.make_replicated_filesystem(machine, found.one, kind)
        mark_written(found.one)
    elif found.disk is not None:
        drbd_content.make_filesystem(machine, found.world, found.disk, kind, found.size_bytes // _KIB)
        found.disk.lineage = drbd_content.new_lineage(found.world)


def _ext_refusal(call: Call, path: str, found: Device | None) -> str:
    """Standard input is no terminal: a file system that is there is overwritten without a question."""
    if found is None:
        return f"The file {path} does not exist and no size was specified.\n"
    if not found.open_for_reading:
        return f"{call.argv[0]}: Wrong medium type while trying to determine filesystem size\n"
    if found.mounts or found.is_swap:
        return f"{path} is mounted; will not make a filesystem here!\n"
    if found.claimed:
        return f"{path} is apparently in use by the system; will not make a filesystem here!\n"
    return ""


def _xfs_refusal(call: Call, path: str, found: Device | None) -> str:
    if found is None:
        return f"Error accessing specified device {path}: No such file or directory\n{_XFS_USAGE}"
    if not found.open_for_reading:
        return f"mkfs.xfs: cannot open {path}: Read-only file system\n"
    if found.mounts or found.is_swap:
        return f"mkfs.xfs: {path} contains a mounted filesystem\n{_XFS_USAGE}"
    if found.claimed:
        return f"mkfs.xfs: cannot open {path}: Device or resource busy\n"
    if (seen := signatures(found)) and "-f" not in call.argv:
        return (
            f"mkfs.xfs: {path} appears to contain an existing filesystem ({seen[0].kind}).\n"
            "mkfs.xfs: Use the -f option to force overwrite.\n"
        )
    if found.size_bytes < _SMALLEST_XFS_BYTES:
        return f"Filesystem must be larger than 300MB.\n{_XFS_USAGE}"
    return ""


_XFS_USAGE = (
    "Usage: mkfs.xfs\n"
    "/* blocksize */\t\t[-b size=num]\n"
    "/* config file */\t[-c options=xxx]\n"
    "/* metadata */\t\t[-m crc=0|1,finobt=0|1,uuid=xxx,rmapbt=0|1,reflink=0|1,\n"
    "\t\t\t    inobtcount=0|1,bigtime=0|1]\n"
    "/* data subvol */\t[-d agcount=n,agsize=n,file,name=xxx,size=num,\n"
    "\t\t\t    (sunit=value,swidth=value|su=num,sw=num|noalign),\n"
    "\t\t\t    sectsize=num\n"
    "/* force overwrite */\t[-f]\n"
    "/* inode size */\t[-i perblock=n|size=num,maxpct=n,attr=0|1|2,\n"
    "\t\t\t    projid32bit=0|1,sparse=0|1,nrext64=0|1]\n"
    "/* no discard */\t[-K]\n"
    "/* log subvol */\t[-l agnum=n,internal,size=num,logdev=xxx,version=n\n"
    "\t\t\t    sunit=value|su=num,sectsize=num,lazy-count=0|1]\n"
    "/* label */\t\t[-L label (maximum 12 characters)]\n"
    "/* naming */\t\t[-n size=num,version=2|ci,ftype=0|1]\n"
    "/* no-op info only */\t[-N]\n"
    "/* prototype file */\t[-p fname]\n"
    "/* quiet */\t\t[-q]\n"
    "/* realtime subvol */\t[-r extsize=num,size=num,rtdev=xxx]\n"
    "/* sectorsize */\t[-s size=num]\n"
    "/* version */\t\t[-V]\n"
    "\t\t\tdevicename\n"
    "<devicename> is required unless -d name=xxx is given.\n"
    "<num> is xxx (bytes), xxxs (sectors), xxxb (fs blocks), xxxk (xxx KiB),\n"
    "      xxxm (xxx MiB), xxxg (xxx GiB), xxxt (xxx TiB) or xxxp (xxx PiB).\n"
    "<value> is xxx (512 byte blocks).\n"
)


PROGRAMS: dict[str, Program] = {
    "blockdev": blockdev,
    "lsblk": lsblk,
    "xfs_admin": xfs_admin,
    **dict.fromkeys(("mkfs.ext3", "mkfs.ext4", "mkfs.xfs"), mkfs),
}
