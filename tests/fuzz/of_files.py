"""Parsers of files: what people write (inventory, scenario), and what a run keeps (journal, manifest, evidence)."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness import sealed, yamlfile
from harness.checks.verdict import judge_file
from harness.clock import WallClock
from harness.errors import InvalidInput, JournalDamaged, UnexpectedOutput
from harness.inventory_file import read_inventory
from harness.inventory_text import render_inventory
from harness.migration import journal
from harness.migration.memory import Memory
from harness.migration.standing import standing
from harness.systems import saved
from harness.trials.scenario_files import read_scenario
from harness.trials.site.twin import twin_of
from tests.fuzz.printed import Row

_FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


@functools.cache
def _folder(process: int) -> Path:
    """Each process has its own."""
    folder = _FOLDER / str(process)
    folder.mkdir()
    return folder


def _here() -> Path:
    return _folder(os.getpid())


def _file(name: str, given: bytes) -> Path:
    path = _here() / name
    path.write_bytes(given)
    return path


def _inventory(given: bytes) -> object:
    """What is understood can be written down and reads the same again."""
    found = read_inventory(_file("site.yml", given))
    again = read_inventory(_file("again.yml", render_inventory(found).encode()))
    assert list(again.nodes()) == list(found.nodes()), "it reads otherwise when written down"
    assert again.settings == found.settings, "it reads otherwise when written down"
    return found


def _yaml(given: bytes) -> object:
    """However its events come about, a text says the same, and the same is wrong with it, at the same places."""
    text = given.decode("utf-8", "replace")
    found = _said(yamlfile.parse, text)
    assert found == _said(yamlfile.parse_by_python, text), "libyaml reads it otherwise"
    return yamlfile.parse(text, "f.yml").value


def _said(parse: Callable[[str, str], yamlfile.Document], text: str) -> tuple[object, ...]:
    try:
        found = parse(text, "f.yml")
    except InvalidInput as invalid:
        return invalid.problems
    return repr(found.value), found.value_marks, found.key_marks, found.problems


def _chained(given: bytes) -> bytes:
    """Records that are objects without a hash get the one that fits, so that what is behind the chain is reached."""
    lines, previous, seq = [], "0" * 64, 0
    for line in given.split(b"\n"):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict) and "hash" not in record:
            record.setdefault("seq", seq)
            previous = journal._chained(previous, record)
            line = json.dumps(record | {"hash": previous}).encode()
            seq += 1
        lines.append(line)
    return b"\n".join(lines)


def _journal(given: bytes) -> object:
    """What is read back answers every question of the engine."""
    path = _file("journal.jsonl", _chained(given))
    entries, length = journal.read(path)
    assert length <= path.stat().st_size
    memory = Memory(journal.Journal(path, -1, entries), _here(), WallClock())
    told = (memory.began, memory.committed, memory.completed, memory.rolled_back, memory.rolling_back)
    assert memory.epoch + 1 > memory.epoch
    memory.fact("frozen")
    standing(_here())
    return [memory.run_id, told, [(entry.kind, entry.step, entry.data, entry.date) for entry in entries]]


def _manifest(given: bytes) -> object:
    """What is read back can be saved, and is the same then."""
    found = saved.load(_file("frozen.manifest", given))
    saved.save(found, _here() / "saved")
    assert saved.load(_here() / "saved") == found, "it reads otherwise when saved again"
    return found


def _facts(given: bytes) -> object:
    """What is understood gives a twin. Facts get the hash that fits, so that what is behind it is reached."""
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and "sha256" in found:
        given = json.dumps(found | {sealed.SEAL: sealed.digest(found)}).encode()
    twin = twin_of(_file("facts.json", given), None, ["simulated"])
    assert twin.scenarios()
    return twin.told()


TABLE: dict[str, Row] = {
    "yaml": (_yaml, (InvalidInput,)),
    "inventory": (_inventory, (InvalidInput,)),
    "scenario": (lambda given: read_scenario(_file("some-claim.yaml", given)), (InvalidInput,)),
    "journal": (_journal, (JournalDamaged,)),
    "facts": (_facts, (InvalidInput,)),
    "manifest": (_manifest, (UnexpectedOutput,)),
    "evidence": (lambda given: judge_file(_file("evidence.json", given)).reason, (InvalidInput,)),
}
