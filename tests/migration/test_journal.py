"""The journal keeps what it was told, drops a torn tail, and shows a changed middle."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import JournalDamaged, Refused
from harness.migration.journal import Journal


def _write(folder: Path, count: int = 3) -> Path:
    with Journal.open(folder) as journal:
        for number in range(count):
            journal.append("fact", "step", "2012-12-12", name="n", value=number)
    return folder / "journal.jsonl"


def test_records_come_back(tmp_path: Path) -> None:
    _write(tmp_path)
    with Journal.open(tmp_path) as journal:
        assert [entry.data["value"] for entry in journal.entries] == [0, 1, 2]


def test_a_torn_tail_is_dropped_and_the_journal_goes_on(tmp_path: Path) -> None:
    path = _write(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"seq": 3, "kind": "fa')
    with Journal.open(tmp_path) as journal:
        assert len(journal.entries) == 3
        journal.append("fact", name="n", value=9)
    with Journal.open(tmp_path) as journal:
        assert len(journal.entries) == 4


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_changed_record_stops_the_run(tmp_path: Path, line: int) -> None:
    path = _write(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    record = json.loads(lines[line])
    record["data"]["value"] = 77
    lines[line] = json.dumps(record).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(JournalDamaged, match=f"record {line + 1}"), Journal.open(tmp_path):
        pass


def test_a_missing_record_stops_the_run(tmp_path: Path) -> None:
    path = _write(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(JournalDamaged), Journal.open(tmp_path):
        pass


def test_every_single_byte_flip_is_noticed_or_harmless(tmp_path: Path) -> None:
    path = _write(tmp_path, 2)
    whole = path.read_bytes()
    with Journal.open(tmp_path) as journal:
        expected = list(journal.entries)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            with Journal.open(tmp_path) as journal:
                # Only a lost last newline may pass: that record counts as torn.
                assert journal.entries == expected[: len(journal.entries)]
                assert at == len(whole) - 1 or journal.entries == expected
        except JournalDamaged:
            pass


def test_two_processes_cannot_hold_one_run(tmp_path: Path) -> None:
    with Journal.open(tmp_path), pytest.raises(Refused, match="another"), Journal.open(tmp_path):
        pass


def test_records_that_come_at_the_same_time_make_one_chain(tmp_path: Path) -> None:
    """Both hosts are worked on at the same time, and each work notes what it does."""
    with Journal.open(tmp_path) as journal, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: journal.append("fact", name="n", value=number), range(200)))
    with Journal.open(tmp_path) as journal:
        assert sorted(entry.data["value"] for entry in journal.entries) == list(range(200))
