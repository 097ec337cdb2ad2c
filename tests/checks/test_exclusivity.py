"""One Primary, one mount, one direction, and no writer while the store is copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.checks.exclusivity import exclusivity
from harness.checks.phases import Quiet, committed_at, quiet_times
from harness.evidence import Event, Evidence

from . import builders
from .asking import cannot_tell, fails, passes
from .builders import ADDITIONAL, ORIGINAL, STORE, Story

GOOD = [
    builders.completed,
    builders.interrupted,
    builders.run_again,
    builders.rolled_back,
    builders.refused,
    builders.stopped,
]


def _at_step(evidence: Evidence, step: str) -> float:
    """A moment just after the step's first request."""
    return next(sent.at for sent in evidence.sent if sent.step == step) + 0.5


def _with(evidence: Evidence, at: float, host: str, kind: str, detail: str) -> Evidence:
    evidence.events.append(Event(at, host, kind, detail))
    return evidence


def _without(evidence: Evidence, host: str, kind: str, detail: str) -> Evidence:
    kept = [event for event in evidence.events if (event.host, event.kind, event.detail) != (host, kind, detail)]
    assert len(kept) < len(evidence.events)
    evidence.events = kept
    return evidence


@pytest.mark.parametrize("build", GOOD)
def test_good_trials_pass(build: object) -> None:
    assert callable(build)
    passes(exclusivity, build())


# Two of something


def test_two_primaries() -> None:
    evidence = builders.completed()
    at = _at_step(evidence, "restore-store")
    fails(exclusivity, _with(evidence, at, ADDITIONAL, "role", "Primary"), "walrus01 became Primary", "walrus00 was")


def test_a_peer_may_be_promoted_once_the_other_lost_power() -> None:
    evidence = builders.completed()
    _with(evidence, 900.0, ORIGINAL, "power", "off")
    passes(exclusivity, _with(evidence, 901.0, ADDITIONAL, "role", "Primary"))


def test_a_frozen_primary_is_still_primary() -> None:
    evidence = builders.completed()
    _with(evidence, 900.0, ORIGINAL, "frozen", "on")
    fails(exclusivity, _with(evidence, 901.0, ADDITIONAL, "role", "Primary"), "walrus01 became Primary at 901 s")


def test_the_device_mounted_on_two_hosts() -> None:
    evidence = builders.completed()
    fails(exclusivity, _with(evidence, 900.0, ADDITIONAL, "mount", f"/dev/drbd1 {STORE}"), "mounted on", ORIGINAL)


@pytest.mark.parametrize("place", ["/mnt", STORE])
def test_a_device_mounted_twice_on_one_host(place: str) -> None:
    evidence = builders.completed()
    fails(
        exclusivity, _with(evidence, 900.0, ORIGINAL, "mount", f"/dev/drbd1 {place}"), f"mounted /dev/drbd1 on {place}"
    )


def test_disks_of_equal_name_on_two_hosts_are_two_disks() -> None:
    evidence = builders.completed()
    _with(evidence, 900.0, ORIGINAL, "mount", "/dev/sdc /newlocation")
    passes(exclusivity, _with(evidence, 901.0, ADDITIONAL, "mount", "/dev/sdc /newlocation"))


# A writer while copying


@pytest.mark.parametrize("host", [ORIGINAL, ADDITIONAL])
@pytest.mark.parametrize("state", ["LOADED", "NOTREADY", "DISABLED", "ENABLED", "BROKEN"])
def test_walrus_must_not_start_between_freeze_and_commit(host: str, state: str) -> None:
    evidence = builders.completed()
    at = _at_step(evidence, "stage-store")
    fails(
        exclusivity, _with(evidence, at, host, "walrus", state), f"{host} became {state}", "between freeze and commit"
    )


@pytest.mark.parametrize("host", [ORIGINAL, ADDITIONAL])
def test_what_the_cloud_believes_of_a_dead_host_is_no_writer(host: str) -> None:
    evidence = builders.completed()
    at = _at_step(evidence, "stage-store")
    _with(evidence, at, host, "power", "off")
    passes(exclusivity, _with(evidence, at, host, "walrus", "NOTREADY"))
    _with(evidence, at, host, "power", "on")
    fails(exclusivity, _with(evidence, at, host, "walrus", "LOADED"), f"{host} became LOADED")


@pytest.mark.parametrize("host", [ORIGINAL, ADDITIONAL])
def test_a_service_that_was_never_stopped(host: str) -> None:
    evidence = builders.completed()
    evidence.events = [
        event
        for event in evidence.events
        if event.kind != "walrus" or event.host != host or event.at > (committed_at(evidence) or 0)
    ]
    fails(exclusivity, evidence, f"Walrus on {host} was running, never stopped, when the manifest was frozen")


def test_a_walrus_still_disabled_at_the_freeze() -> None:
    fails(
        exclusivity,
        _without(builders.completed(), ADDITIONAL, "walrus", "STOPPED"),
        "walrus01 was DISABLED when the manifest was frozen",
    )


def test_a_host_that_did_not_run_walrus_in_the_first_place() -> None:
    evidence = builders.completed()
    stopped = {"eucalyptus-cloud": {"running": False, "starts at boot": True}}
    evidence.before[1] = replace(evidence.before[1], services=stopped)
    evidence.events = [
        event for event in evidence.events if (event.host, event.kind) != (ADDITIONAL, "walrus") or event.at > 40
    ]
    passes(exclusivity, evidence)


def test_nothing_tells_whether_walrus_ran() -> None:
    evidence = builders.completed()
    evidence.before = []
    evidence.events = [
        event for event in evidence.events if (event.host, event.kind) != (ADDITIONAL, "walrus") or event.at > 40
    ]
    cannot_tell(exclusivity, evidence, "nothing tells whether Walrus ran on walrus01")


def test_a_run_that_stopped_leaves_the_store_quiet() -> None:
    evidence = builders.stopped()
    _with(evidence, 990.0, ORIGINAL, "power", "on")
    fails(exclusivity, _with(evidence, 991.0, ORIGINAL, "walrus", "LOADED"), "walrus00 became LOADED at 991 s")


def test_a_walrus_that_stops_in_the_very_moment_of_the_freeze_has_stopped() -> None:
    evidence = builders.completed()
    [quiet] = quiet_times(evidence)
    evidence.events = [
        replace(event, at=quiet.start) if event.detail == "STOPPED" else event for event in evidence.events
    ]
    passes(exclusivity, evidence)


def test_the_edges_of_a_quiet_time_are_not_in_it() -> None:
    quiet = Quiet(10.0, 20.0, committed=True)
    assert [quiet.holds(at) for at in (9.9, 10.0, 10.1, 19.9, 20.0, 20.1)] == [False, False, True, True, False, False]


def test_a_rollback_may_start_the_original_again() -> None:
    evidence = builders.rolled_back()
    [quiet] = quiet_times(evidence)
    assert not quiet.committed
    assert quiet.end < max(event.at for event in evidence.events if event.detail == "ENABLED")


def test_a_move_begun_anew_after_a_rollback_is_quiet_again() -> None:
    story = Story()
    for _ in range(2):
        for part in (story.claim, story.stop_and_freeze, story.stage, story.build_device, story.restore, story.undo):
            part()
        story.attempt += 1
    twice = builders.evidence(story, "rolled_back", builders.rolled_back().attempts * 2)
    assert len(quiet_times(twice)) == 2
    passes(exclusivity, twice)
    at = max(sent.at for sent in twice.sent if sent.step == "restore-store") + 0.5
    fails(exclusivity, _with(twice, at, ORIGINAL, "walrus", "LOADED"), "walrus00 became LOADED")


def test_a_service_started_by_any_other_step_ends_no_quiet_time() -> None:
    evidence = builders.completed()
    story = Story(now=_at_step(evidence, "stage-store"))
    story.send("stage-store", ORIGINAL, "service eucalyptus-cloud start", ("walrus", "LOADED"))
    evidence.sent = sorted(evidence.sent + story.sent, key=lambda sent: sent.at)
    evidence.events += story.events
    fails(exclusivity, evidence, "walrus00 became LOADED")


def test_a_move_that_never_froze_its_manifest() -> None:
    evidence = builders.completed()
    evidence.sent = [sent for sent in evidence.sent if sent.step != "freeze-manifest"]
    cannot_tell(exclusivity, evidence, "no request ever froze the manifest")


@pytest.mark.parametrize("build", [builders.completed, builders.rolled_back])
def test_the_additional_host_must_not_serve_before_the_commit(build: object) -> None:
    assert callable(build)
    evidence = _with(build(), 1.0, ADDITIONAL, "walrus", "ENABLED")
    fails(exclusivity, evidence, "walrus01 was ENABLED at 1 s, before the commit")


# Starting on a pair that is not one yet


def test_a_start_before_the_peer_is_up_to_date() -> None:
    evidence = _without(builders.completed(), ADDITIONAL, "disk", "UpToDate")
    fails(exclusivity, evidence, "Walrus started on walrus00", "the disk of walrus01 was Inconsistent")


def test_a_start_before_the_resync_is_done() -> None:
    evidence = _without(builders.completed(), ORIGINAL, "sync-done", "")
    fails(exclusivity, evidence, "before the resync was done", "walrus01 was sync-target")


def test_a_pair_whose_first_sync_was_skipped_has_no_resync_to_wait_for() -> None:
    evidence = builders.completed()
    evidence.events = [event for event in evidence.events if not event.kind.startswith("sync-")]
    passes(exclusivity, evidence)


def test_a_resync_may_come_and_go_between_commit_and_start() -> None:
    evidence = builders.completed()
    committed = committed_at(evidence) or 0.0
    for kind, detail in (("disk", "Inconsistent"), ("sync-target", ""), ("disk", "UpToDate"), ("sync-done", "")):
        _with(evidence, committed + 0.1, ADDITIONAL, kind, detail)
    passes(exclusivity, evidence)


def test_a_peer_may_fail_after_the_start() -> None:
    passes(exclusivity, _with(builders.completed(), 900.0, ADDITIONAL, "disk", "Failed"))


def test_a_start_of_which_nobody_knows_the_disks() -> None:
    evidence = builders.completed()
    evidence.events = [event for event in evidence.events if (event.host, event.kind) != (ADDITIONAL, "disk")]
    cannot_tell(exclusivity, evidence, "disk state of walrus01")


def test_a_peer_that_loses_power_right_before_the_start_is_as_it_was_then() -> None:
    evidence = builders.completed()
    just_before = (committed_at(evidence) or 0.0) + 0.1
    passes(exclusivity, _with(evidence, just_before, ADDITIONAL, "power", "off"))
    behind = _without(builders.completed(), ADDITIONAL, "disk", "UpToDate")
    _with(behind, just_before, ADDITIONAL, "power", "off")
    fails(exclusivity, behind, "the disk of walrus01 was Inconsistent")


# The wrong way, and what destroys


@pytest.mark.parametrize(("host", "role"), [(ADDITIONAL, "sync-source"), (ORIGINAL, "sync-target")])
def test_before_the_commit_data_flows_from_the_original(host: str, role: str) -> None:
    evidence = builders.completed()
    at = _at_step(evidence, "connect-peers")
    fails(exclusivity, _with(evidence, at, host, role, ""), f"{host} became {role}", "walrus00 may be source")


def test_after_the_commit_either_may_be_source() -> None:
    passes(exclusivity, _with(builders.completed(), 900.0, ADDITIONAL, "sync-source", ""))
    evidence = builders.completed()
    at = committed_at(evidence) or 0.0
    _with(evidence, at, ADDITIONAL, "sync-source", "")
    passes(exclusivity, _with(evidence, at, ADDITIONAL, "sync-done", ""))


def test_data_must_never_be_discarded() -> None:
    evidence = _with(builders.completed(), 900.0, ADDITIONAL, "destroy", "drbdadm -- --discard-my-data connect r0")
    fails(exclusivity, evidence, "discarded on walrus01", "--discard-my-data")


@pytest.mark.parametrize("command", ["drbdadm create-md r0", "mkfs.ext4 -q /dev/drbd1", "mkfs.xfs -q /dev/drbd1"])
@pytest.mark.parametrize("late", [0.0, 900.0], ids=["while restoring", "after the move"])
def test_nothing_is_made_anew_over_restored_data(command: str, late: float) -> None:
    evidence = builders.completed()
    at = late or _at_step(evidence, "restore-store")
    fails(exclusivity, _with(evidence, at, ORIGINAL, "destroy", command), command, "after data was restored")


def test_a_restore_in_the_very_moment_of_freeze_and_commit_is_a_restore() -> None:
    story = Story(now=8.0)
    for step in ("freeze-manifest", "restore-store", "commit"):
        story.now = 8.0
        story.send(step, ORIGINAL, "a request")
    evidence = builders.evidence(story, "stopped", builders.stopped().attempts)
    for host in (ORIGINAL, ADDITIONAL):
        _with(evidence, 1.0, host, "walrus", "STOPPED")
    passes(exclusivity, evidence)
    fails(exclusivity, _with(evidence, 11.0, ORIGINAL, "destroy", "mkfs.ext4 -q /dev/drbd1"), "mkfs.ext4")


@pytest.mark.parametrize("edge", ["restore", "end"])
def test_what_is_made_at_the_very_edge_was_not_made_after_the_restore(edge: str) -> None:
    evidence = builders.rolled_back()
    [quiet] = quiet_times(evidence)
    restored = next(sent.at for sent in evidence.sent if sent.step == "restore-store")
    at = restored if edge == "restore" else quiet.end
    passes(exclusivity, _with(evidence, at, ORIGINAL, "destroy", "mkfs.ext4 -q /dev/drbd1"))


def test_a_move_begun_anew_after_a_rollback_makes_its_file_system_anew() -> None:
    story = Story()
    for part in (story.claim, story.stop_and_freeze, story.stage, story.build_device, story.restore, story.undo):
        part()
    story.attempt = 2
    for part in (story.claim, story.stop_and_freeze, story.stage, story.build_device, story.restore):
        part()
    first, second = builders.rolled_back().attempts[0], builders.stopped().attempts[0]
    passes(exclusivity, builders.evidence(story, "stopped", [first, second]))


# Split brain


def test_a_connection_that_falls_by_itself() -> None:
    evidence = _with(builders.completed(), 900.0, ORIGINAL, "connection", "StandAlone")
    fails(exclusivity, evidence, "walrus00 fell to StandAlone at 900 s")


def _connected() -> Evidence:
    evidence = builders.stopped()
    evidence.events = [event for event in evidence.events if event.kind != "power"]
    return evidence


@pytest.mark.parametrize("command", ["drbdadm down r0", "drbdadm disconnect r0"])
@pytest.mark.parametrize("delay", [-1.0, 0.0, 1.0], ids=["at once", "meanwhile", "at the end"])
def test_a_connection_that_the_engine_took_down(command: str, delay: float) -> None:
    evidence = _connected()
    story = Story(now=evidence.sent[-1].at)
    story.send("connect-peers", ORIGINAL, command)
    evidence.sent += story.sent
    passes(exclusivity, _with(evidence, story.now - 1.0 + delay, ORIGINAL, "connection", "StandAlone"))


@pytest.mark.parametrize(("late_s", "check"), [(0.01, passes), (0.2, fails)])
def test_the_log_of_a_host_goes_by_a_clock_of_its_own(late_s: float, check: Callable[..., None]) -> None:
    """Its clock was set by ours, as well as a look across the network can: to some milliseconds."""
    evidence = _connected()
    story = Story(now=evidence.sent[-1].at)
    story.send("connect-peers", ORIGINAL, "drbdadm down r0")
    evidence.sent += story.sent
    at = evidence.sent[-1].at + late_s
    check(exclusivity, _with(evidence, at, ORIGINAL, "connection", "StandAlone"))


def test_the_engine_took_down_the_other_host() -> None:
    evidence = _connected()
    story = Story(now=evidence.sent[-1].at)
    story.send("connect-peers", ADDITIONAL, "drbdadm down r0")
    evidence.sent += story.sent
    fails(exclusivity, _with(evidence, story.now, ORIGINAL, "connection", "StandAlone"), "walrus00 fell to StandAlone")


def test_a_scenario_about_split_brain_may_see_one() -> None:
    evidence = _with(builders.completed(), 900.0, ORIGINAL, "connection", "StandAlone")
    evidence.claim = "a split-brain is left for a person to decide"
    passes(exclusivity, evidence)


def test_standing_alone_before_the_first_connection_is_where_everybody_starts() -> None:
    passes(exclusivity, _with(builders.completed(), 0.5, ORIGINAL, "connection", "StandAlone"))


@pytest.mark.parametrize(
    "what",
    [
        "drbdadm primary --force r0",
        "drbdadm -- --overwrite-data-of-peer primary r0",
        "drbdadm new-current-uuid --clear-bitmap r0",
    ],
)
def test_whose_data_counts_is_not_said_again_once_there_is_data(what: str) -> None:
    evidence = builders.completed()
    at = next(place for place, sent in enumerate(evidence.sent) if sent.step == "restore-store")
    evidence.sent.insert(at + 1, replace(evidence.sent[at], at=evidence.sent[at].at + 0.5, what=what))
    fails(exclusivity, evidence, f"`{what}` was sent to walrus00", "after data was restored")


# What stands ready to discard


@pytest.mark.parametrize("policy", ["after-sb-0pri discard-zero-changes", "after-sb-1pri\tdiscard-secondary"])
def test_a_policy_that_discards_by_itself_is_left_behind(policy: str) -> None:
    evidence = builders.completed()
    path, text = "/etc/eucalyptus/drbd.conf", f"resource r0 {{\n  net {{\n    {policy};\n  }}\n}}\n"
    evidence.after = [replace(one, files={**one.files, path: text}) for one in evidence.after]
    fails(exclusivity, evidence, f"{ORIGINAL}:{path} has `{policy}`")


def test_policies_that_disconnect_discard_nothing() -> None:
    evidence = builders.completed()
    text = "net {\n  after-sb-0pri disconnect;\n  # after-sb-1pri discard-secondary;\n}\n"
    evidence.after = [replace(one, files={**one.files, "/etc/drbd.conf": text}) for one in evidence.after]
    passes(exclusivity, evidence)


# The vendor's text


def test_the_vendors_steps_are_times_of_their_own() -> None:
    evidence = builders.completed()
    names = {"freeze-manifest": "c3-copy-away", "restore-store": "c6-copy-back"}
    evidence.sent = [replace(one, step=names.get(one.step, one.step)) for one in evidence.sent]
    at = _at_step(evidence, "c6-copy-back")
    passes(exclusivity, evidence)
    evidence = _with(evidence, at + 0.1, ORIGINAL, "destroy", "mkfs.ext3 /dev/drbd1")
    fails(exclusivity, evidence, "ran `mkfs.ext3 /dev/drbd1`", "after data was restored")


def test_what_the_cloud_believes_of_a_host_that_came_back_is_no_walrus_that_runs() -> None:
    evidence = builders.completed()
    frozen = quiet_times(evidence)[0].start
    passes(exclusivity, _with(evidence, frozen + 0.1, ORIGINAL, "walrus-lost", "NOTREADY"))
    fails(exclusivity, _with(evidence, frozen + 0.1, ORIGINAL, "walrus", "NOTREADY"))


def test_a_commit_that_nobody_knew_of_and_that_was_taken_back_is_none() -> None:
    evidence = builders.rolled_back()
    undone = next(number for number, one in enumerate(evidence.sent) if one.what == "service eucalyptus-cloud start")
    lost = replace(evidence.sent[undone - 1], step="commit", what="stat the old store", effect="read")
    evidence.sent.insert(undone, lost)
    assert committed_at(evidence) is None
    passes(exclusivity, evidence)


def test_a_commit_after_which_a_later_step_was_asked_for_holds() -> None:
    evidence = builders.rolled_back()
    undone = next(number for number, one in enumerate(evidence.sent) if one.what == "service eucalyptus-cloud start")
    commit = replace(evidence.sent[undone - 1], step="commit", what="stat the old store", effect="read")
    evidence.sent[undone:undone] = [commit, replace(commit, step="start-services")]
    assert committed_at(evidence) == commit.at
