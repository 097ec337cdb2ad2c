"""/proc/drbd of every generation becomes one model, and an unknown word is an error."""

from __future__ import annotations

import pytest

from harness.errors import UnexpectedOutput
from harness.systems.drbd.status import Status, minor_of, parse

HEAD_84 = "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: 059B1B470318F053F5077D5 \n"
COUNTERS = "    ns:0 nr:0 dw:0 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:%d\n"


def test_a_sync_in_progress_is_read_with_what_is_out_of_sync() -> None:
    text = (
        HEAD_84
        + "\n 1: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----\n"
        + COUNTERS % 210876
        + "\t[=====>..............] sync'ed: 32.0% (210876/307152)K\n\tfinish: 0:00:06 speed: 32,092 (32,092) K/sec\n"
    )
    assert parse(text) == {1: Status("SyncSource", "Primary", "Secondary", "UpToDate", "Inconsistent", 210876)}


def test_a_pair_at_rest_is_in_sync_only_without_blocks_out_of_sync() -> None:
    line = "\n 1: cs:Connected ro:Secondary/Secondary ds:UpToDate/UpToDate C r-----\n"
    assert parse(HEAD_84 + line + COUNTERS % 0)[1].in_sync
    assert not parse(HEAD_84 + line + COUNTERS % 4)[1].in_sync


def test_a_lost_peer_is_not_talking() -> None:
    text = HEAD_84 + "\n 1: cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C r-----\n" + COUNTERS % 0
    assert not parse(text)[1].talking


def test_no_resource_is_an_empty_answer() -> None:
    assert parse(HEAD_84) == {}


def test_lines_of_83_with_unconfigured_minors_are_read() -> None:
    text = (
        "version: 8.3.12 (api:88/proto:86-96)\n 0: cs:Unconfigured\n"
        " 1: cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate C r-----\n" + COUNTERS % 0
    )
    assert list(parse(text)) == [1]


def test_an_unknown_state_is_not_guessed_at() -> None:
    text = HEAD_84 + "\n 1: cs:Teleporting ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n" + COUNTERS % 0
    with pytest.raises(UnexpectedOutput, match="Teleporting"):
        parse(text)


def test_minor_ten_is_not_minor_one() -> None:
    text = HEAD_84 + "\n10: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n" + COUNTERS % 0
    assert minor_of("/dev/drbd1") not in parse(text)
    assert minor_of("/dev/drbd10") in parse(text)
