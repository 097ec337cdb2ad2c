"""What a run keeps on a host: added to only where it ends, under the fence, and given back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import CommandFailed, Fenced, Held
from harness.hosts.command import AskRecord, Claim, Fence, KeepRecord, Result
from harness.hosts.transport import Transport
from tests.hosts.conftest import FENCE

AWKWARD = b'{"a": "it\'s 100% $(x) \\n"}\n\xff\x00\x01' + bytes(range(256))


def kept(transport: Transport, name: str = "journal") -> Result:
    answer = transport.send(AskRecord(name))
    assert isinstance(answer, Result)
    return answer


@pytest.mark.parametrize("size", [1, 500, 5000, 300_000], ids=str)
def test_what_is_kept_is_given_back(claimed: Transport, size: int) -> None:
    content = (AWKWARD * (size // len(AWKWARD) + 1))[:size]
    assert kept(claimed).exit_status == 1
    claimed.send(KeepRecord("journal", content), FENCE)
    assert kept(claimed) == Result(0, content)
    claimed.send(KeepRecord("journal", b"more\n", offset=size), FENCE)
    assert kept(claimed).stdout == content + b"more\n"
    claimed.send(KeepRecord("journal", b"anew\n"), FENCE)
    assert kept(claimed).stdout == b"anew\n"
    assert kept(claimed, "manifest.1").exit_status == 1


def test_nothing_is_added_elsewhere_than_at_its_end(claimed: Transport, folder: Path) -> None:
    claimed.send(KeepRecord("journal", b"12345"), FENCE)
    for offset in (4, 6):
        with pytest.raises(CommandFailed, match=f"does not end at {offset}"):
            claimed.send(KeepRecord("journal", b"x", offset), FENCE)
    with pytest.raises(CommandFailed, match="does not end at 1"):
        claimed.send(KeepRecord("other", b"x", 1), FENCE)
    assert kept(claimed).stdout == b"12345"
    assert (folder / "state" / "mirror" / "journal").stat().st_mode & 0o777 == 0o600


def test_piece_by_piece_it_grows_at_its_end(claimed: Transport) -> None:
    claimed.send(KeepRecord("journal", b"0"), FENCE)
    for offset in range(1, 10):
        claimed.send(KeepRecord("journal", b"%d" % offset, offset), FENCE)
    claimed.send(KeepRecord("other", b"a"), FENCE)
    claimed.send(KeepRecord("other", b"b", 1), FENCE)
    claimed.send(KeepRecord("journal", AWKWARD, 10), FENCE)
    assert kept(claimed).stdout == b"0123456789" + AWKWARD
    assert kept(claimed, "other").stdout == b"ab"


@pytest.mark.parametrize("found", [b"01", b"01234", b"somebody's", None])
def test_what_somebody_else_did_to_it_is_noticed(claimed: Transport, folder: Path, found: bytes | None) -> None:
    claimed.send(KeepRecord("journal", b"0"), FENCE)
    claimed.send(KeepRecord("journal", b"1", 1), FENCE)
    claimed.send(KeepRecord("journal", b"2", 2), FENCE)
    record = folder / "state" / "mirror" / "journal"
    record.write_bytes(found) if found is not None else record.unlink()
    with pytest.raises(CommandFailed, match="does not end at 3"):
        claimed.send(KeepRecord("journal", b"3", 3), FENCE)
    claimed.send(KeepRecord("journal", b"0123"), FENCE)
    claimed.send(KeepRecord("journal", b"4", 4), FENCE)
    assert kept(claimed).stdout == b"01234"


def test_a_stale_engine_adds_nothing_where_it_added_before(claimed: Transport) -> None:
    claimed.send(KeepRecord("journal", b"0"), FENCE)
    claimed.send(KeepRecord("journal", b"1", 1), FENCE)
    claimed.send(Claim(Fence(FENCE.epoch + 1, FENCE.run_id)))
    with pytest.raises(Fenced):
        claimed.send(KeepRecord("journal", b"2", 2), FENCE)
    assert kept(claimed).stdout == b"01"


def test_a_stale_engine_keeps_nothing(claimed: Transport) -> None:
    with pytest.raises(Fenced):
        claimed.send(KeepRecord("journal", b"x"), Fence(FENCE.epoch - 1 or 99, FENCE.run_id))
    assert kept(claimed).exit_status == 1


def test_a_claim_takes_over_from_the_run_that_it_names_and_no_other(transport: Transport) -> None:
    transport.send(Claim(Fence(3, "first")))
    with pytest.raises(Held):
        transport.send(Claim(Fence(4, "second")))
    with pytest.raises(Held):
        transport.send(Claim(Fence(4, "second"), takes_over="another"))
    with pytest.raises(Fenced):
        transport.send(Claim(Fence(3, "second"), takes_over="first"))
    transport.send(Claim(Fence(4, "second"), takes_over="first"))
    with pytest.raises(Held):
        transport.send(Claim(Fence(5, "first")))
    with pytest.raises(Fenced):
        transport.send(KeepRecord("journal", b"x"), Fence(3, "first"))
