"""Parsers of listings, hashes, attributes and copies: object names are hostile, and none may be taken for another."""

from __future__ import annotations

import re

from harness.errors import CommandFailed, UnexpectedOutput
from harness.systems import copying, store
from tests.fuzz.grammar import Grammar
from tests.fuzz.printed import Row, printed, text_of

ROOT = "/srv/store"
TOLD = (UnexpectedOutput, CommandFailed)

_LISTING: Grammar = {
    "start": ["d\x004096\x00755\x000\x000\x001355832000.5\x002\x002049:1\0\0\0<entry*>", "<entry*>"],
    "entry": ["<kind>\0<number>\x00<mode>\x00498\x00498\x001355832000.<digits>\x00<links>\x002049:<digit>\0<name>\0<name>\0"],
    "kind": ["f", "f", "d", "l", "s", "", "<word>"],
    "mode": ["644", "4755", "0", "999", "<word>"],
    "links": ["1", "2", "<number>"],
    "name": ["bucket/<word>", "<word>", "lost+found", "lost+found/x", "a\nb", ""],
}
_HEX = "0123456789abcdef" * 4
_HASHES: Grammar = {
    "start": ["<line*>"],
    "line": [f"{_HEX} */srv/store/<name>\n", f"\\{_HEX} */srv/store/<escaped>\n", f"{_HEX}  /srv/store/<name>\n", "<junk>\n",
             f"{_HEX} */srv/storeroom/<name>\n", f"{'é' * 32} */srv/store/<name>\n", f"{'-' * 64} */srv/store/a\n"],
    "name": ["bucket/<word>", "<word>", " *", "a *b"],
    "escaped": ["a\\nb", "a\\\\nb", "\\r", "\\", "\\x"],
}  # fmt: skip
_ATTRIBUTES: Grammar = {
    "start": ["<block*>"],
    "block": ["# file: /srv/store/<name>\n<pair*>\n", "# file: /srv/store\n<pair*>\n", "<junk>\n\n", "# file: <path>\n<pair*>\n"],
    "name": ["bucket/<word>", "a\\012b", "\\777", "\\134\\060", "<word>"],
    "pair": ["user.note=0x00ff\n", "security.selinux=0x00\n", "user.<word>=<word>\n", "user.alone\n", "é=0x\n"],
}
_RSYNC: Grammar = {
    "start": ["Number of files: <amount><nl>Literal data: <amount> bytes<nl>Matched data: 0 bytes<nl>", "<junk>"],
    "amount": ["1,234,567", "0", "1.234", ",", ".", "<number>", "1,,2", "<digits><digits>"],
}
_NAMES: Grammar = {"start": ["<entry*>", "<entry*>x"], "entry": ["f\0<word>\0", "d\0<path>\0", "l\0\n\0", "\0"]}


def _listing(given: bytes) -> object:
    """What is understood compares equal to itself, has a digest, and can be said to people."""
    found = store.listing(printed(given), ROOT)
    assert store.differences(found, found) == []
    store.total_bytes(found)
    store.digest(found)
    assert all(store.shown(path).isprintable() for path in found)
    return found


def _hashes(given: bytes) -> object:
    """Every hash is one, and each line gives one name."""
    found = store.parse_hashes(given, ROOT)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in found.values()), "not a hash"
    return found


TABLE: dict[str, Row] = {
    "listing": (_listing, TOLD, _LISTING),
    "sha256sum": (_hashes, TOLD, _HASHES),
    "getfattr": (lambda given: store.extended_attributes(printed(given), ROOT), TOLD, _ATTRIBUTES),
    "rsync": (lambda given: copying.copied_bytes(text_of(given)), TOLD, _RSYNC),
    "children": (lambda given: _store_children(given), TOLD, _NAMES),
}


def _store_children(given: bytes) -> list[bytes]:
    """The directory is there, and find prints its names."""
    from harness.systems import files

    class _There:
        name = "walrus00"
        ask = staticmethod(lambda command: printed(b"directory|755|0|0|4096|1\n").ask(command))
        read = staticmethod(lambda command: printed(given).read(command))

    return files.children(_There(), ROOT)  # type: ignore[arg-type]
