"""What hashes objects on a host: openssl where it has just proved to answer as sha256sum, which every host has.

openssl uses what a processor has for sha256, and where Debian's sha256sum does not it needs a fraction of the time.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import replace

from harness.hosts.command import Command, Result
from harness.hosts.host import Reader

_SHA256SUM = ("sha256sum", "-b", "--")
_OPENSSL = ("openssl", "dgst", "-sha256", "-r")  # knows no ``--``; names begin with the root, which begins with a slash
_KNOWN = bytes(range(256)) * 5
_ITS_LINE = b"d414b085826eb06778483ba35564dc849e643359f69ed9747878ba6e54985bed *stdin\n"
# sha256sum marks a name in which it wrote a backslash or a line's end otherwise. What openssl prints of such a name
# depends on its version, and some of it cannot be told from two lines: these names are sha256sum's everywhere.
_ODD_BYTE = re.compile(rb"[\\\x00-\x1f\x7f]")
_ODD_PATH = r"*[\\[:cntrl:]]*"
# Below its own lines openssl prints what its library has kept: thread, code, part, function, reason, place.
_OF_ITS_LIBRARY = re.compile(rb"[0-9A-Fa-f]+:error:[^:]*:([^:]*):[^:]*:([^:]*):")
AS_SHA256SUM = "openssl dgst -r"  # what a host may be without


class Hasher(enum.Enum):
    """A program that prints a line for each file, in the form of coreutils."""

    SHA256SUM = "sha256sum"
    OPENSSL = "openssl"


def hasher_of(host: Reader) -> Hasher:
    """What hashes here, asked anew for each long reading: whoever goes on with a run believes nobody's word for it.

    An openssl that is not there, is older than the option, is forbidden to by its configuration, or gives another
    answer than the known one, is not used.
    """
    answer = host.ask(Command(_OPENSSL, stdin=_KNOWN))
    return Hasher.OPENSSL if answer.ok and answer.stdout == _ITS_LINE else Hasher.SHA256SUM


def hash_command(root: str, hasher: Hasher) -> Command:
    """Hash every file below ``root``; long work, run as a detached job."""
    return Command(("find", root, "-xdev", "-type", "f", *_each_file(hasher)))


def _each_file(hasher: Hasher) -> tuple[str, ...]:
    by_sha256sum = ("-exec", *_SHA256SUM, "{}", "+")
    if hasher is Hasher.SHA256SUM:
        return by_sha256sum
    return ("(", "-path", _ODD_PATH, *by_sha256sum, "-o", "-exec", *_OPENSSL, "{}", "+", ")")


def hash_some_command(root: str, paths: Iterable[bytes], hasher: Hasher) -> Command:
    """Hash these files below ``root``; as ``hash_command``, for the names on standard input.

    One odd name among them gives all to sha256sum.
    """
    prefix = root.encode("utf-8", "surrogateescape") + b"/"
    names = [prefix + path for path in paths]
    plain = hasher is Hasher.OPENSSL and not any(map(_ODD_BYTE.search, names))
    program = _OPENSSL if plain else _SHA256SUM
    return Command(("xargs", "-0", "-r", *program), stdin=b"".join(name + b"\0" for name in names))


def plainly(result: Result) -> Result:
    """The answer of a hasher with its last complaint in one line: which file cannot be read, and why."""
    own, why = list[bytes](), b""
    for line in result.stderr.splitlines():
        kept = _OF_ITS_LIBRARY.match(line)
        if kept is None:
            own.append(line)
        elif kept[1] == b"system library":
            why = kept[2]
    if why and own and why not in own[-1]:
        own[-1] += b" (" + why + b")"
    return replace(result, stderr=b"\n".join(own)) if own else result
