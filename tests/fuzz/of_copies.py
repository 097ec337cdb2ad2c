"""Parsers of listings, hashes, attributes and copies: object names are hostile, and none may be taken for another."""

from __future__ import annotations

import re

from harness.errors import CommandFailed, UnexpectedOutput
from harness.hosts.command import Command, Result
from harness.systems import comparing, copying, layout, saved, store
from tests.fuzz.printed import Row, printed, text_of

ROOT = "/srv/store"
TOLD = (UnexpectedOutput, CommandFailed)


def _listing(given: bytes) -> object:
    """What is understood compares equal to itself, has a digest, and can be said to people."""
    found = store.listing(printed(given), ROOT)
    assert comparing.differences(found, found) == []
    store.total_bytes(found)
    saved.digest(found)
    assert all(store.shown(path).isprintable() for path in (entry.path for entry in found))
    return found


def _layout(given: bytes) -> object:
    """What is understood adds up, and so does any smaller store of its kind."""

    class _Find:
        name = "walrus00"

        def ask(self, command: Command) -> Result:
            return printed(given).ask(command) if command.argv[0] == "find" else Result(1)

    found = layout.layout(_Find(), ROOT)  # type: ignore[arg-type]  # it is only asked
    assert found.scaled(0.1, 0.1).entries <= max(found.entries, 1)
    return found


def _hashes(given: bytes) -> object:
    """Every hash is one, and each line gives one name."""
    found = list(store.hashes_in_order([given[:7], given[7:]], ROOT))
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for _, digest in found), "not a hash"
    return found


TABLE: dict[str, Row] = {
    "listing": (_listing, TOLD),
    "layout": (_layout, TOLD),
    "sha256sum": (_hashes, TOLD),
    "getfattr": (lambda given: list(store.extended_attributes(printed(given), ROOT)), TOLD),
    "rsync": (lambda given: copying.copied_bytes(text_of(given)), TOLD),
    "children": (lambda given: _store_children(given), TOLD),
}


def _store_children(given: bytes) -> list[bytes]:
    """The directory is there, and find prints its names."""
    from harness.systems import files

    class _There:
        name = "walrus00"
        ask = staticmethod(lambda command: printed(b"directory|755|0|0|4096|1\n").ask(command))
        read = staticmethod(lambda command: printed(given).read(command))

    return files.children(_There(), ROOT)  # type: ignore[arg-type]  # it is only asked and read
