"""rsync's command line and its figures: version 3.2.7 as Debian 12 has it, for copies of a tree on one host."""

from __future__ import annotations

import os

from fakes.machine import Machine
from fakes.pace import Pace
from fakes.program import Call, Program, Reply, Slow
from fakes.programs.copying import Copy, Options
from fakes.programs.gnu import memory, not_modelled, simulated

_VERSION = b"""rsync  version 3.2.7  protocol version 31
Copyright (C) 1996-2022 by Andrew Tridgell, Wayne Davison, and others.
Web site: https://rsync.samba.org/
"""
_NEEDED = {"--numeric-ids", "--partial", "--stats"}
_BY_NAME = {"--files-from=-", "--from0", "--ignore-times"}
_ARCHIVE = "rlptgoD"
_LETTERS = frozenset(_ARCHIVE + "HAXSx")


def options(call: Call, pace: Pace) -> Options:
    """The options of a call that is modelled.

    Raises:
        UnsupportedInvocation: for every other.
    """
    words = list(call.argv[1:])
    if len(words) < 4 or words[-3] != "--" or not words[-1].endswith("/") or min(map(len, words[-2:])) < 2:
        raise not_modelled(call)
    given, paths = words[:-3], words[-2:]
    limits = [word.removeprefix("--bwlimit=") for word in given if word.startswith("--bwlimit=")]
    excluded = [word.removeprefix("--exclude=/") for word in given if word.startswith("--exclude=/")]
    bases = [word.removeprefix("--link-dest=") for word in given if word.startswith("--link-dest=/")]
    rest = {word for word in given if not word.startswith(("--bwlimit=", "--exclude=/", "--link-dest=/"))}
    plain = all(name and not set("/*?[\\") & set(name) for name in excluded)
    letters = [word[1:].replace("a", _ARCHIVE) for word in rest if not word.startswith("--")]
    kept = frozenset("".join(letters))
    rest = {word for word in rest if word.startswith("--")}
    by_name = rest >= _BY_NAME and "--delete" not in rest and call.stdin.endswith(b"\0")
    rest -= _BY_NAME if by_name else set()
    modelled = rest - {"--checksum", "--delete"} == _NEEDED and len(letters) == 1 and {"r", "x"} <= kept <= _LETTERS
    if not modelled or not plain or len(excluded) > 1 or len(bases) > 1 or not all(map(str.isdigit, limits)):
        raise not_modelled(call)
    rate = int(limits[-1]) * 1024.0 if limits else float(pace.copy_bytes_per_s)
    source, destination = (path.rstrip("/") for path in paths)
    if not paths[0].endswith("/"):
        destination += "/" + source.rpartition("/")[2]  # the directory itself and not what is in it
    names = frozenset(os.fsdecode(name) for name in call.stdin.split(b"\0")[:-1]) if by_name else None
    base, excluding = "".join(bases).rstrip("/"), "".join(excluded)
    by_content, deletes = "--checksum" in rest, "--delete" in rest
    return Options(source, destination, excluding, rate, by_content, kept, deletes, names, base, pace)


def rsync(call: Call, machine: Machine) -> Reply | Slow:
    """``rsync --version``, or a copy into DST/ of everything below SRC/ or of the names on standard input."""
    if call.argv[1:] == ("--version",):
        return Reply(0, _VERSION)
    return Copy(options(call, simulated(machine).simulation.pace), memory(machine)).run()


PROGRAMS: dict[str, Program] = {"rsync": rsync}
