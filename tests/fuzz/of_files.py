"""Parsers of files: what people write (inventory, scenario), and what a run keeps (journal, manifest, evidence)."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from pathlib import Path

from harness.checks.verdict import judge_file
from harness.clock import WallClock
from harness.errors import InvalidInput, JournalDamaged, UnexpectedOutput
from harness.inventory_file import read_inventory
from harness.inventory_text import render_inventory
from harness.migration import journal, words
from harness.migration.memory import Memory
from harness.systems import store
from harness.trials.scenario import STEP_NAMES, read_scenario
from tests.fuzz.grammar import Grammar
from tests.fuzz.printed import Row

_YAML: Grammar = {
    "scalar": ["<number>", "<path>", "<word>", "true", "~", "no", "0644", "12:30", "!!python/object:os.system a", "*a", "&a b", '"<word>"',
               "'<word>'", "{{ x }}", "|\n  <word>", "[<word>, <word>]", "{a: <word>}", "<<", "? a", "2012-12-18", "1e3", ".inf"],
}  # fmt: skip
_INVENTORY: Grammar = _YAML | {
    "start": ["all:\n  children:\n<group*>", "all:\n  vars:\n    migrate: {<setting*>}\n  children:\n<three>", "<junk>\n<scalar>"],
    "three": ["    original: {hosts: {walrus00: {<variable*>}}}\n    additional: {hosts: {walrus01: {<variable*>}}}\n    clc: {hosts: {clc: {ansible_connection: local, migrate: {address: 10.0.0.5}}}}\n"],
    "group": ["    <role>:\n      hosts:\n        <host>:\n          <variable><nl>", "    <role>: {children: {<role>: }}\n", "    <role>: *a\n"],
    "role": ["original", "additional", "clc", "<word>"],
    "host": ["walrus00", "walrus01", "clc00", "web[01:50]", "<word>"],
    "variable": ["ansible_host: <scalar>, ", "ansible_port: <number>, ", "ansible_ssh_common_args: <scalar>, ", "ansible_user: <word>, ",
                 "migrate: {address: 10.0.0.<digit>, <setting>}, ", "ansible_password: <word>, ", "<word>: <scalar>, "],
    "setting": ["store: <path>, ", "port: <number>, ", "resource: <word>, ", "device: <path>, ", "sync_rate: 40M, ", "waits: {stall: <number>}, ",
                "eucarc: <path>, ", "backing_device: <path>, ", "known_hosts: <path>, "],
}  # fmt: skip
_SCENARIO: Grammar = _YAML | {
    "start": ["claim: a copy that survives <word>\nlabs: [<lab>]\nstart: {<start-key*>}\nfaults:\n<fault*>then: [<action>]\nexpect: {outcome: completed}\n",
              "claim: <scalar>\nlabs: <scalar>\nexpect: {outcome: <scalar>, checks: [<word>]}\n"],
    "lab": ["simulated", "containers", "machines", "<word>"],
    "start-key": ["device_bytes: <number>, ", "store: {objects: <number>, bytes: 2 MiB}, ", "drbd: \"8.3\", ", "differs: {uid_differs: true}, ", "<word>: <scalar>, "],
    "fault": ["  - do: <do>\n    at: {step: <step>, moment: <moment>}\n    <more>\n"],
    "do": ["kill_engine", "power_off", "cut_link", "fill_disk", "freeze", "corrupt", "<word>"],
    "step": [*STEP_NAMES, "<word>"],
    "moment": ["before", "during, progress: 0.5", "after", "<word>"],
    "more": ["host: original", "for_s: <number>", "host: both\n    for_s: 3", "path: store", "<word>: <scalar>"],
    "action": ["resume", "run_again", "rollback", "heal: true", "wait_s: <number>", "power_on: original", "<scalar>"],
}  # fmt: skip
_JOURNAL: Grammar = {
    "start": ["<entry*>", "<entry><entry><entry*>", "<entry*><junk>\n"],
    "entry": ['{"kind": "<kind>", "step": "<step>", "data": <data>, "date": "<word>"}\n', '{"kind": <data>, "step": <data>, "data": {}, "date": <data>}\n', "<data>\n"],
    "kind": ["begun", "epoch", "intent", "done", "fact", "undoing", "undone", "committed", "rolled-back", "completed", "stopped", "x"],
    "step": [*STEP_NAMES, ""],
    "data": ["{}", '{"run_id": "r", "settings": "s"}', '{"epoch": <number>}', '{"epoch": 3}', '{"name": "frozen", "value": "<word>"}', '{"why": "w"}',
             "[]", "null", "1", "NaN", '"\\ud800"', '{"name": 1}', '{"epoch": "3"}', '{"run_id": null}', "[[[[]]]]"],
}  # fmt: skip
_MANIFEST: Grammar = {
    "start": ["<line*>"],
    "line": ['["<b64>","file",<number>,420,498,498,"1355832000.5","<b64>","","<word>",[]]\n', "[<word>]\n", "null\n", "7\n",
             '["<b64>","file",1,420,0,0,"1","","","",[["user.a","0x00"]]]\n', '[1,2,3,4,5,6,7,8,9,10,[1]]\n'],
    "b64": ["YQ==", "", "YQ", "é", "===="],
}  # fmt: skip
_EVIDENCE: Grammar = {
    "start": ["{<pair*>}", "[]", "<junk>"],
    "pair": ['"scenario": "<word>", ', '"format": <number>, ', '"events": [{"at": <number>, "host": "a", "kind": "role", "detail": "Primary"}], '],
}  # fmt: skip

_FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def _file(name: str, given: bytes) -> Path:
    path = _FOLDER / name
    path.write_bytes(given)
    return path


def _inventory(given: bytes) -> object:
    """What is understood can be written down and reads the same again."""
    found = read_inventory(_file("site.yml", given))
    again = read_inventory(_file("again.yml", render_inventory(found).encode()))
    assert list(again.nodes()) == list(found.nodes()) and again.settings == found.settings, "it reads otherwise when written down"
    return found


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
    memory = Memory(journal.Journal(path, -1, entries), _FOLDER, WallClock())
    told = (memory.began, memory.committed, memory.completed, memory.rolled_back, memory.rolling_back, memory.run_id, memory.epoch)
    assert memory.epoch + 1 > 0
    memory.fact("frozen")
    words.status(_FOLDER)
    return [told, [(entry.kind, entry.step, entry.data, entry.date) for entry in entries]]


def _manifest(given: bytes) -> object:
    """What is read back can be saved, and is the same then."""
    found = store.load(_file("frozen.manifest", given))
    store.save(found, _FOLDER / "saved")
    assert store.load(_FOLDER / "saved") == found, "it reads otherwise when saved again"
    return found


TABLE: dict[str, Row] = {
    "inventory": (_inventory, (InvalidInput,), _INVENTORY),
    "scenario": (lambda given: read_scenario(_file("some-claim.yaml", given)), (InvalidInput,), _SCENARIO),
    "journal": (_journal, (JournalDamaged,), _JOURNAL),
    "manifest": (_manifest, (UnexpectedOutput,), _MANIFEST),
    "evidence": (lambda given: judge_file(_file("evidence.json", given)).reason, (InvalidInput,), _EVIDENCE),
}
