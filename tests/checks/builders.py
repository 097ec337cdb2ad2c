"""Evidence built by hand: complete, good trials. A test takes one, breaks one thing, and asks a judge."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from harness.evidence import (
    Attempt,
    Census,
    EffectName,
    Entry,
    Event,
    Evidence,
    Expectation,
    HostSnapshot,
    Manifest,
    ObjectRead,
    Receipt,
    Sent,
)

ORIGINAL, ADDITIONAL, CLC = "walrus00", "walrus01", "clc00"
STORE = "/var/lib/eucalyptus/bukkits"
STAGED = "/newlocation/bukkits"
EUCALYPTUS = 498
NAMED = ["durability", "exclusivity", "service", "replica", "reversibility"]
CONTENT = b"what the client stored"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HOSTILE = "photos/\x1b[2Jn\nl\xff"


def entry(path: str, kind: str = "file", **changes: Any) -> Entry:
    """An entry as Walrus would have written it."""
    is_file = kind == "file"
    sound = Entry(
        path=path,
        kind="file" if is_file else "directory",
        size=len(CONTENT) if is_file else 4096,
        mode=0o644 if is_file else 0o755,
        uid=EUCALYPTUS,
        gid=EUCALYPTUS,
        mtime_ns=1_356_998_400_123_456_789,
        sha256=SHA256 if is_file else None,
    )
    return replace(sound, **changes)


def store() -> Manifest:
    """A small store with all that is hard about stores: odd names, hard links, a symbolic link, attributes, modes."""
    entries = [
        entry(".", "directory", mode=0o700),
        entry("photos", "directory"),
        entry("photos/.hidden"),
        entry("photos/a", same_as="photos/a", xattrs={"user.etag": "6162"}),
        entry("photos/b", same_as="photos/a", xattrs={"user.etag": "6162"}),
        entry(HOSTILE, mode=0o600),
        Entry("photos/link", "symlink", 1, 0o777, EUCALYPTUS, EUCALYPTUS, 1_356_998_400_000_000_000, target="a"),
        entry("snapset-1", "directory"),
        entry("snapset-1/snap-1"),
    ]
    return Manifest(sorted(entries, key=lambda one: one.path))


def changed(manifest: Manifest, path: str, **changes: Any) -> Manifest:
    """The manifest with one entry changed."""
    assert path in manifest.by_path()
    return Manifest([replace(one, **changes) if one.path == path else one for one in manifest.entries])


def without(manifest: Manifest, path: str) -> Manifest:
    """The manifest with one entry gone."""
    assert path in manifest.by_path()
    return Manifest([one for one in manifest.entries if one.path != path])


def with_entry(manifest: Manifest, *more: Entry) -> Manifest:
    """The manifest with entries more."""
    return Manifest(sorted([*manifest.entries, *more], key=lambda one: one.path))


def snapshot(host: str) -> HostSnapshot:
    """A Walrus host before the move."""
    return HostSnapshot(
        host=host,
        reachable=True,
        files={"/etc/fstab": "/dev/sda1 / ext4 defaults 0 1\n", "/etc/eucalyptus/drbd.conf": None},
        services={
            "eucalyptus-cloud": {"running": True, "starts at boot": True},
            "drbd": {"running": False, "starts at boot": False},
        },
        disks={"/dev/sdb": "blank"},
        mounts=[["/dev/sda1", "/"]],
    )


@dataclass
class Story:
    """Writes a trial down second by second: what was sent, and what the lab saw of it."""

    attempt: int = 1
    now: float = 0.0
    sent: list[Sent] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def send(self, step: str, host: str, what: str, *events: tuple[str, str], effect: EffectName = "write") -> None:
        """A request, and what happened on that host while it ran."""
        self.now += 1.0
        for kind, detail in events:
            self.see(host, kind, detail)
        self.now += 1.0
        self.sent.append(Sent(self.now, self.attempt, host, step, what, effect, "status 0"))

    def see(self, host: str, kind: str, detail: str) -> None:
        """Something that happened now, whoever caused it."""
        self.events.append(Event(self.now, host, kind, detail))

    def both(self, step: str, what: str, *events: tuple[str, str], effect: EffectName = "write") -> None:
        for host in (ORIGINAL, ADDITIONAL):
            self.send(step, host, what, *events, effect=effect)

    # The move, part by part

    def claim(self) -> None:
        self.both("", f"claim epoch {self.attempt} for trial")

    def stop_and_freeze(self) -> None:
        self.send("register-additional", CLC, "euca_conf --register-walrus --host 10.0.0.11")
        self.see(ADDITIONAL, "walrus", "DISABLED")
        self.send("stop-services", ADDITIONAL, "service eucalyptus-cloud stop", ("walrus", "STOPPED"))
        self.send("stop-services", ORIGINAL, "service eucalyptus-cloud stop", ("walrus", "STOPPED"))
        self.send("freeze-manifest", ORIGINAL, "start job freeze-manifest.1: find " + STORE)

    def stage(self) -> None:
        what = f"start job stage-store.{self.attempt}: rsync -aHAXSx -- {STORE}/ {STAGED}/"
        self.send("stage-store", ORIGINAL, what)

    def build_device(self) -> None:
        for host in (ORIGINAL, ADDITIONAL):
            self.prove("create-metadata", host, "/dev/sdb")
            md = "drbdadm create-md r0"
            self.send("create-metadata", host, md, ("destroy", md), effect="destroy")
        self.both("connect-peers", "drbdadm up r0", ("disk", "Inconsistent"), ("connection", "WFConnection"))
        self.see(ORIGINAL, "connection", "Connected")
        self.see(ADDITIONAL, "connection", "Connected")
        forced = "drbdadm primary --force r0"
        told = (("destroy", forced), ("role", "Primary"), ("disk", "UpToDate"), ("sync-source", ""))
        self.send("become-primary", ORIGINAL, "cat /proc/drbd", effect="read")
        self.send("become-primary", ORIGINAL, forced, *told, effect="destroy")
        self.see(ADDITIONAL, "role", "Secondary")
        self.see(ADDITIONAL, "sync-target", "")
        made = "mkfs.ext4 -q /dev/drbd1"
        self.prove("make-filesystem", ORIGINAL, "/dev/drbd1")
        self.send("make-filesystem", ORIGINAL, f"start job make.1: {made}", ("destroy", made), effect="destroy")

    def prove(self, step: str, host: str, device: str) -> None:
        """What is asked before something is made on a device."""
        for what in (
            f"blkid -p {device}",
            f"wipefs -n {device}",
            f"lsblk {device}",
            "cat /proc/swaps",
            "cat /proc/mounts",
        ):
            self.send(step, host, what, effect="read")

    def restore(self) -> None:
        self.send("set-store-aside", ORIGINAL, f"mv -T -- {STORE} {STORE}.before-ha")
        self.send("mount-device", ORIGINAL, f"mount /dev/drbd1 {STORE}", ("mount", f"/dev/drbd1 {STORE}"))
        what = f"start job restore-store.{self.attempt}: rsync -aHAXSx -- {STAGED}/ {STORE}/"
        self.send("restore-store", ORIGINAL, what)

    def synchronise(self) -> None:
        self.see(ADDITIONAL, "disk", "UpToDate")
        self.see(ORIGINAL, "sync-done", "")
        self.send("wait-for-sync", ORIGINAL, "cat /proc/drbd", effect="read")

    def hand_over(self) -> None:
        self.send("hand-over", ORIGINAL, f"umount {STORE}", ("unmount", f"/dev/drbd1 {STORE}"))
        self.send("hand-over", ORIGINAL, "drbdadm secondary r0", ("role", "Secondary"))
        self.send("commit", ORIGINAL, f"find {STORE}.before-ha", effect="read")

    def start(self) -> None:
        self.both("start-services", "service eucalyptus-cloud start", ("walrus", "NOTREADY"), ("walrus", "DISABLED"))
        self.send("set-properties", CLC, "euca-modify-property -p walrus.resource=r0")
        self.see(ORIGINAL, "role", "Primary")
        self.see(ORIGINAL, "mount", f"/dev/drbd1 {STORE}")
        self.see(ORIGINAL, "walrus", "ENABLED")
        self.both("", "release epoch 1 for trial")

    def undo(self) -> None:
        """A rollback from where ``restore`` ends."""
        self.send("mount-device", ORIGINAL, f"umount {STORE}", ("unmount", f"/dev/drbd1 {STORE}"))
        self.send("set-store-aside", ORIGINAL, f"mv -T -- {STORE}.before-ha {STORE}")
        wiped = "wipefs -a /dev/drbd1"
        self.send("make-filesystem", ORIGINAL, "blkid -p /dev/drbd1", effect="read")
        self.send("make-filesystem", ORIGINAL, wiped, ("destroy", wiped), effect="destroy")
        self.send("become-primary", ORIGINAL, "drbdadm secondary r0", ("role", "Secondary"))
        self.both("connect-peers", "drbdadm down r0", ("connection", "StandAlone"), ("disk", "Diskless"))
        self.send("stage-store", ORIGINAL, f"rm -rf -- {STAGED}", effect="destroy")
        self.send("stop-services", ORIGINAL, "service eucalyptus-cloud start", ("walrus", "LOADED"))
        self.see(ORIGINAL, "walrus", "ENABLED")
        self.send("register-additional", CLC, "euca_conf --deregister-walrus --host 10.0.0.11")
        self.both("", "release epoch 1 for trial")


def reads(when: str) -> list[ObjectRead]:
    """Objects read back as they should be."""
    return [ObjectRead(0.0, when, key, 200, SHA256, SHA256) for key in ("photos/a", "snapset-1/snap-1")]


RESOURCE = "resource r0 {\n  protocol C;\n  net {\n    after-sb-0pri disconnect;\n  }\n}\n"
"""What the move writes into drbd.conf on both hosts."""


def configured(host: str) -> HostSnapshot:
    """A Walrus host after the move."""
    before = snapshot(host)
    files: dict[str, str | None] = {
        "/etc/fstab": f"{before.files['/etc/fstab']}/dev/drbd1 {STORE} ext4 noauto,owner 0 0\n",
        "/etc/eucalyptus/drbd.conf": RESOURCE,
    }
    services = {**before.services, "drbd": {"running": False, "starts at boot": True}}
    return replace(before, files=files, services=services)


def census(moment: str, *complete: str) -> Census:
    return Census(1.0, moment, list(complete))


def evidence(story: Story, outcome: str, attempts: list[Attempt]) -> Evidence:
    """The parts that all trials share."""
    return Evidence(
        scenario="a-trial",
        claim="a move that goes as it should",
        lab="simulated",
        seed=7,
        expectation=Expectation(outcome, list(NAMED)),
        original=ORIGINAL,
        additional=ADDITIONAL,
        frozen=store(),
        before=[snapshot(host) for host in (ORIGINAL, ADDITIONAL)],
        after=[snapshot(host) for host in (ORIGINAL, ADDITIONAL)],
        attempts=attempts,
        sent=story.sent,
        events=story.events,
        censuses=[census("at the end", f"{ORIGINAL}:store")],
        reads=reads("before") + reads("after"),
        served=store(),
    )


def completed() -> Evidence:
    """A move without a fault."""
    story = Story()
    for part in (
        story.claim,
        story.stop_and_freeze,
        story.stage,
        story.build_device,
        story.restore,
        story.synchronise,
        story.hand_over,
        story.start,
    ):
        part()
    good = evidence(story, "completed", [Attempt("migrate", 0.0, story.now, "completed", 0, "Done.", _copied() * 2)])
    good.replica = store()
    good.after = [configured(host) for host in (ORIGINAL, ADDITIONAL)]
    good.censuses = [
        census(
            "after attempt 1",
            f"{ORIGINAL}:old-store",
            f"{ORIGINAL}:staging",
            f"{ORIGINAL}:store",
            f"{ADDITIONAL}:device",
        ),
        census(
            "at the end", f"{ORIGINAL}:old-store", f"{ORIGINAL}:staging", f"{ORIGINAL}:store", f"{ADDITIONAL}:device"
        ),
    ]
    return good


def interrupted(copied_before: int | None = None, copied_after: int | None = None) -> Evidence:
    """The engine is killed in the middle of the staging copy; the next run completes the move."""
    before = _copied() // 2 if copied_before is None else copied_before
    after = 2 * _copied() - before if copied_after is None else copied_after
    good = completed()
    killed = Attempt("migrate", 0.0, 10.0, "killed", None, "", before)
    good.attempts = [killed, replace(good.attempts[0], started_at=10.0, bytes_copied=after)]
    good.sent = [replace(one, attempt=2) for one in good.sent]
    good.receipts = [Receipt(10.0, "kill_engine", True, "in stage-store")]
    good.expectation = replace(good.expectation, copied_again=0.05)
    return good


def run_again() -> Evidence:
    """A move, and the same command once more."""
    good = completed()
    end = good.attempts[0].ended_at
    good.sent.append(Sent(end + 1, 2, CLC, "", "euca-describe-services", "read", "status 0"))
    good.attempts.append(Attempt("migrate", end, end + 1, "completed", 0, "Nothing to do."))
    return good


def rolled_back() -> Evidence:
    """The peer's disk fails while the store is restored; everything is taken back."""
    story = Story()
    parts = (story.claim, story.stop_and_freeze, story.stage, story.build_device, story.restore, story.undo)
    for part in parts:
        part()
    words = f"The sync failed. The store is at {ORIGINAL}:{STORE}.\nNext: walrus-ha migrate -i site.yaml"
    return evidence(story, "rolled_back", [Attempt("migrate", 0.0, story.now, "rolled_back", 4, words)])


def refused() -> Evidence:
    """Preflight finds something, and nothing is done."""
    story = Story()
    story.send("", ORIGINAL, "uname -n", effect="read")
    words = "uid-differs.\nNothing was changed. Mend the findings, then run `walrus-ha check` again."
    return evidence(story, "refused", [Attempt("migrate", 0.0, story.now, "refused", 3, words)])


def stopped() -> Evidence:
    """Both hosts lose power for good while the store is restored; the old store lies aside, whole."""
    story = Story()
    for part in (story.claim, story.stop_and_freeze, story.stage, story.build_device, story.restore):
        part()
    story.see(ORIGINAL, "power", "off")
    story.see(ADDITIONAL, "power", "off")
    words = f"walrus00 does not answer. Complete copies: {ORIGINAL}:{STORE}.before-ha\nNext: walrus-ha migrate -i x"
    good = evidence(story, "stopped", [Attempt("migrate", 0.0, story.now, "stopped", 4, words)])
    good.after = [replace(one, reachable=False) for one in good.after]
    good.censuses = [census("at the end", f"{ORIGINAL}:old-store", f"{ORIGINAL}:staging")]
    good.served = Manifest([])
    good.reads = reads("before")
    return good


def _copied() -> int:
    return len(CONTENT) * sum(one.kind == "file" and one.same_as in (None, one.path) for one in store().entries)
