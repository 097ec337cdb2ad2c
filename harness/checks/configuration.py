"""Configuration: after a move both hosts say the same, nothing discards data, and what others wrote stays."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, not_asked, weigh
from harness.checks.groundwork import snapshot_of
from harness.checks.manifests import printable
from harness.checks.phases import last_outcome
from harness.checks.replay import pair
from harness.evidence import Evidence, HostSnapshot

_FSTAB, _OPTIONS = "/etc/fstab", "/etc/eucalyptus/eucalyptus.conf"
_REPLICATED = "/dev/drbd"
_DRBD = "drbd"  # its init script
_RESOURCE = re.compile(r"^\s*resource\s", re.MULTILINE)
_DISCARDS = re.compile(r"^\s*(after-sb-[012]pri)\s+(?!disconnect\b)([\w-]+)", re.MULTILINE)
_PROTOCOL_C = re.compile(r"^\s*protocol\s+C\s*;", re.MULTILINE)
_CLOUD_OPTS = re.compile(r'^\s*CLOUD_OPTS="?([^"\n]*)', re.MULTILINE)


def configuration(evidence: Evidence) -> Finding:
    """What the move leaves in the hosts' files, as a careful administrator would read it."""
    if last_outcome(evidence) != "completed":
        return not_asked("configuration", "the move was not completed")
    looks = (
        hosts_disagree,
        data_at_risk,
        mounted_otherwise,
        mounts_the_old_device,
        words_of_others_lost,
        boots_otherwise,
        drbd_stays_down,
    )
    return weigh("configuration", evidence, looks, "both hosts say the same, and what others wrote is still there")


def hosts_disagree(evidence: Evidence) -> Iterator[str]:
    """A pair of which each side believes something else works until the day on which it matters."""
    one, other = (_resources(after) for _, after in _looked_at(evidence))
    for path in sorted({*one, *other}):
        if one.get(path) != other.get(path):
            yield f"{printable(path)} is not the same on {evidence.original} and {evidence.additional}"


def data_at_risk(evidence: Evidence) -> Iterator[str]:
    for _, after in _looked_at(evidence):
        for path, text in _resources(after).items():
            for policy, what in _DISCARDS.findall(text):
                yield f"{after.host}: {printable(path)} discards data by itself: {policy} {what}"
            if not _PROTOCOL_C.search(text):
                yield f"{after.host}: {printable(path)} does not make a write wait for both disks (protocol C)"


def mounted_otherwise(evidence: Evidence) -> Iterator[str]:
    """Walrus mounts the replicated device, on whichever side it serves; a boot must not."""
    ours = {after.host: _new_lines(before, after) for before, after in _looked_at(evidence)}
    for host, lines in ours.items():
        if len(lines) != 1:
            yield f"{host}: {len(lines)} lines of {_FSTAB} are about the replicated device, expected one"
        for line in lines:
            if "noauto" not in line.split()[3].split(","):
                yield f"{host}: {_FSTAB} mounts the replicated device at boot: {printable(line)}"
    if len(set(map(tuple, ours.values()))) > 1:
        yield f"{_FSTAB} does not say the same of the replicated device on both hosts"


def _new_lines(before: HostSnapshot, after: HostSnapshot) -> list[str]:
    """What the move wrote into fstab."""
    known = (before.files.get(_FSTAB) or "").splitlines()
    lines = (after.files.get(_FSTAB) or "").splitlines()
    return [line for line in lines if line.startswith(_REPLICATED) and line not in known and len(line.split()) > 3]


def words_of_others_lost(evidence: Evidence) -> Iterator[str]:
    """Lines of fstab and options of CLOUD_OPTS that were there before the move."""
    for before, after in _looked_at(evidence):
        kept = (after.files.get(_FSTAB) or "").splitlines()
        for line in (before.files.get(_FSTAB) or "").splitlines():
            if line.strip() and line not in kept and not _sleeps(evidence, line, kept):
                yield f"{after.host}: the line {printable(line)} is gone from {_FSTAB}"
        for option in sorted(_options(before) - _options(after)):
            yield f"{after.host}: the option {printable(option)} is gone from {_OPTIONS}"


def _sleeps(evidence: Evidence, line: str, kept: list[str]) -> bool:
    """A comment in its place: what mounted the store's own device, which DRBD has now."""
    return evidence.reuses_device and any(one.startswith("#") and one.endswith(line) for one in kept)


def mounts_the_old_device(evidence: Evidence) -> Iterator[str]:
    """A boot must not mount, past DRBD, the device that held the store before; one that it cannot mount ends it."""
    for before, after in _looked_at(evidence) if evidence.reuses_device else ():
        places = {at for _, at in before.mounts}
        for line in (after.files.get(_FSTAB) or "").splitlines():
            fields = line.split()
            if len(fields) > 3 and fields[0][0] != "#" and fields[1] in places and "noauto" not in fields[3].split(","):
                yield f"{after.host}: {_FSTAB} still mounts what the store lay on: {printable(line)}"


def boots_otherwise(evidence: Evidence) -> Iterator[str]:
    for before, after in _looked_at(evidence):
        for name, state in before.services.items():
            if name == _DRBD:
                continue
            was, is_now = state.get("starts at boot"), after.services.get(name, {}).get("starts at boot")
            if was != is_now:
                yield f"{after.host}: {name} {'started' if was else 'did not start'} at boot before the move"


def drbd_stays_down(evidence: Evidence) -> Iterator[str]:
    """Walrus loads no module and brings no resource up: after a power cut of both hosts somebody else must."""
    for _, after in _looked_at(evidence):
        starts = after.services.get(_DRBD, {}).get("starts at boot")
        if starts is None:
            raise Unknown(f"nobody looked whether {after.host} has an init script of DRBD")
        if not starts:
            yield f"{after.host}: nothing brings DRBD up at boot"


def _looked_at(evidence: Evidence) -> list[tuple[HostSnapshot, HostSnapshot]]:
    """Each host of the pair before and after.

    Raises:
        Unknown: one of them was not seen.
    """
    seen = []
    for host in pair(evidence):
        before, after = snapshot_of(evidence.before, host), snapshot_of(evidence.after, host)
        if before is None or after is None or not before.reachable or not after.reachable:
            raise Unknown(f"{host} was not seen before and after the move")
        seen.append((before, after))
    return seen


def _resources(snapshot: HostSnapshot) -> dict[str, str]:
    """The files that define a DRBD resource.

    Raises:
        Unknown: there is none among those that were looked at.
    """
    found = {path: text for path, text in snapshot.files.items() if text and _RESOURCE.search(text)}
    if not found:
        raise Unknown(f"no file of {snapshot.host} that was looked at defines a DRBD resource")
    return found


def _options(snapshot: HostSnapshot) -> set[str]:
    return {word for line in _CLOUD_OPTS.findall(snapshot.files.get(_OPTIONS) or "") for word in line.split()}
