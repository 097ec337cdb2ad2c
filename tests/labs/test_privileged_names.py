"""What one kernel says of two hosts' DRBD reads on each of them as if the kernel were its own."""

from __future__ import annotations

import subprocess

from harness.labs.privileged_container import own_lines
from harness.labs.privileged_guest import RECIPES

STATUS = """\
r0.walrus00 role:Primary
  disk:UpToDate
  peer role:Secondary
    replication:Established peer-disk:UpToDate

r0.walrus01 role:Secondary
  disk:UpToDate
  peer role:Primary
    replication:Established peer-disk:UpToDate

"""
LOG = """\
[    0.000000] Linux version 6.1.176
[    6.890000] walrus-lab: clock 1795597538.982945
[   15.550000] walrus-lab-host walrus01 walrus-lab: up
[   98.520000] block drbd201: peer( Secondary -> Primary ) pdsk( Inconsistent -> UpToDate )
[   98.520000] block drbd101: role( Secondary -> Primary ) disk( Inconsistent -> UpToDate )
[   98.600000] drbd r0.walrus00: conn( WFConnection -> WFReportParams )
[   98.600000] drbd r0.walrus01: conn( WFConnection -> WFReportParams )
[  102.590000] walrus-lab-host walrus00 walrus-lab: destroy mkfs.ext4 -q /dev/drbd1
[  103.110000] EXT4-fs (drbd101): mounted filesystem with ordered data mode. Quota mode: none.
"""


def translated(text: str, name: str, shift: int) -> str:
    words = ["awk", "-f", str(RECIPES / "names" / "own-names"), f"name={name}", f"shift={shift}", "-"]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout


def test_a_status_shows_a_host_its_own_resource_alone() -> None:
    first, second = (block + "\n\n" for block in STATUS.split("\n\n")[:2])
    assert translated(STATUS, "walrus00", 100) == first.replace(".walrus00", "")
    assert translated(STATUS, "walrus01", 200) == second.replace(".walrus01", "")


def test_minors_are_the_hosts_own_in_refusals_and_settings() -> None:
    assert translated("101: State change failed: (-2) Need access to UpToDate data\n", "walrus00", 100) == (
        "1: State change failed: (-2) Need access to UpToDate data\n"
    )
    assert translated("            device\t\t\tminor 201;\n", "walrus01", 200) == "            device\t\t\tminor 1;\n"
    assert translated("open /dev/drbd115 failed\n", "walrus00", 100) == "open /dev/drbd15 failed\n"


def test_figures_that_look_like_minors_stay_as_they_are() -> None:
    line = "    ns:101 nr:0 dw:101 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:101\n"
    assert translated(line, "walrus00", 100) == line


def test_the_kernels_log_is_told_apart_by_host() -> None:
    assert own_lines(LOG, "walrus00", 100).splitlines() == [
        "[    0.000000] Linux version 6.1.176",
        "[    6.890000] walrus-lab: clock 1795597538.982945",
        "[   98.520000] block drbd1: role( Secondary -> Primary ) disk( Inconsistent -> UpToDate )",
        "[   98.600000] drbd r0: conn( WFConnection -> WFReportParams )",
        "[  102.590000] walrus-lab: destroy mkfs.ext4 -q /dev/drbd1",
        "[  103.110000] EXT4-fs (drbd1): mounted filesystem with ordered data mode. Quota mode: none.",
    ]


def test_a_host_without_drbd_is_told_what_concerns_all() -> None:
    assert own_lines(LOG, "clc00", 300).splitlines() == [
        "[    0.000000] Linux version 6.1.176",
        "[    6.890000] walrus-lab: clock 1795597538.982945",
    ]
