"""What cannot happen: scenarios that are well formed and tell no story. Each rule gives place, reason and way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from harness.trials.actions import Action, FreeDisk, PowerOffNow, PowerOn, ResumeWith
from harness.trials.fault_kinds import (
    Corrupt,
    CutLink,
    Fault,
    FillDisk,
    FsyncFails,
    KillEngine,
    OperatorOrder,
    PowerOff,
    ReadError,
    StallSync,
    WriteObject,
)
from harness.trials.literal.choices import VENDOR_STEPS
from harness.trials.repertoire import fault_not_played, start_not_played
from harness.trials.scenario import ScenarioFile
from harness.trials.step_names import REVERSE_STEP_NAMES, STEPS_OF
from harness.yamlfile import Location

_OF_THE_ORIGINAL = ("staging", "second-staging", "old-store", "returning-store")
MEASURED_STEPS = (
    *("stage-store", "stage-second", "restore-store", "wait-for-sync"),
    *("copy-ahead", "first-sync", "catch-up", "copy-difference", "copy-back", "sync-pair"),
)
"""Steps that know how far they are; elsewhere a share means nothing. Catching up knows how long it has been held."""

FIRST_CONNECTED, FIRST_SYNCING = "connect-peers", "become-primary"
LAST_SYNCING = {"staged": "wait-for-sync", "online": "first-sync"}
ATTEMPTS = ("resume", "run_again", "rollback", "retire", "adopt", "first_wakes")


@dataclass(frozen=True)
class Impossible:
    """Something that cannot happen, where the file says it, and what to write instead."""

    location: Location
    message: str
    suggestion: str


def impossible(scenario: ScenarioFile) -> Iterator[Impossible]:
    """Everything in the scenario that cannot happen."""
    yield from _labs(scenario)
    yield from _store(scenario)
    yield from _story(scenario)
    yield from _driver(scenario)
    if scenario.beside is not None:
        engine = scenario.model_copy(update={"driver": "engine", **dict(scenario.beside), "beside": None})
        for found in _story(engine):
            yield Impossible(("beside", *found.location), found.message, found.suggestion)


def _story(scenario: ScenarioFile) -> Iterator[Impossible]:
    """What one driver does and meets."""
    for index, fault in enumerate(scenario.faults):
        yield from _moment(scenario, fault, ("faults", index))
        yield from _target(scenario, fault, ("faults", index))
    yield from _actions(scenario)
    yield from _expectation(scenario)


def _driver(scenario: ScenarioFile) -> Iterator[Impossible]:
    """The vendor's text is a control: it has choices, something to be caught by, and our engine beside it."""
    if scenario.driver == "vendor":
        if scenario.beside is None:
            yield Impossible(("driver",), "nothing is said of our engine from the same start", "add beside: {}")
        if scenario.expect.outcome != "completed":
            hint = "write outcome: completed, and caught_by: with the checks that must find it"
            yield Impossible(("expect", "outcome"), "the vendor's text knows no end but its last line", hint)
        if words := [word for word in scenario.then if word in ("rollback", "run_again", "retire")]:
            yield Impossible(("then",), f"the vendor's text has no {words[0]}", "write resume, or take it out")
        return
    for key in ("choices", "beside"):
        if key in scenario.model_fields_set:
            yield Impossible((key,), f"only the vendor's text has {key}", "add driver: vendor, or take it out")


def _labs(scenario: ScenarioFile) -> Iterator[Impossible]:
    for index, lab in enumerate(scenario.labs):
        if lab in scenario.labs[:index]:
            yield Impossible(("labs", index), f"the lab {lab} is named twice", "name each lab once")
        if lab in scenario.not_in:
            hint = "take it out of labs, or out of not_in"
            yield Impossible(("not_in", lab), f"the lab {lab} is in labs and in not_in", hint)
        for message, hint in start_not_played(scenario.start, lab):
            yield Impossible(("labs", index), message, hint)
    if scenario.start.settings.cutover_window is not None and scenario.start.strategy != "online":
        hint = "add strategy: online under start, or take it out"
        yield Impossible(("start", "settings", "cutover_window"), "only an online move has a cut-over", hint)
    if scenario.start.settings.model_fields_set & {"strategy"}:
        hint = "write it as strategy: under start"
        yield Impossible(("start", "settings", "strategy"), "the strategy is no setting of a scenario", hint)


def _store(scenario: ScenarioFile) -> Iterator[Impossible]:
    start, place = scenario.start, ("start", "store")
    if start.store.bytes and not start.store.objects:
        yield Impossible((*place, "bytes"), "no objects cannot have a size", "write bytes: 0, or some objects")
    if scenario.expect.outcome != "refused":
        for name, room in (("device_bytes", start.device_bytes), ("staging_bytes", start.staging_bytes)):
            if room is not None and start.store.bytes >= room:
                message = f"the store of {start.store.bytes} bytes is larger than {name}, {room}"
                yield Impossible((*place, "bytes"), message, "make the store smaller, or expect outcome: refused")
    if start.differs.additional_device_bytes == start.device_bytes:
        message, hint = "this is the size of both devices anyway", "write another size, or leave it out"
        yield Impossible(("start", "differs", "additional_device_bytes"), message, hint)


def _moment(scenario: ScenarioFile, fault: Fault, place: Location) -> Iterator[Impossible]:
    """Whether the fault's moment exists, and whether the fault can do anything then."""
    at = fault.at
    if at is None:
        return
    steps = STEPS_OF[scenario.start.plan]
    known = VENDOR_STEPS if scenario.driver == "vendor" else steps + REVERSE_STEP_NAMES
    if at.step not in known:
        hint = f"choose one of {', '.join(known)}"
        whose = "vendor's" if scenario.driver == "vendor" else f"{scenario.start.strategy} move"
        yield Impossible((*place, "at", "step"), f"{at.step} is no step of the {whose}", hint)
        return
    if at.progress is not None and at.moment != "during":
        hint = "write moment: during, or leave progress out"
        yield Impossible((*place, "at", "progress"), f"{at.moment} a step there is no progress", hint)
    elif at.progress is not None and at.step not in MEASURED_STEPS:
        hint = f"leave progress out; measured are {', '.join(MEASURED_STEPS)}"
        yield Impossible((*place, "at", "progress"), f"the progress of {at.step} is not measured", hint)
    if scenario.driver == "vendor":
        return
    if at.step in REVERSE_STEP_NAMES:
        yield from _on_the_way_back(scenario, fault, place)
        return
    if isinstance(fault, CutLink) and steps.index(at.step) < steps.index(FIRST_CONNECTED):
        hint = f"choose {FIRST_CONNECTED} or a later step"
        yield Impossible((*place, "at", "step"), f"in {at.step} the peers are not connected yet", hint)
    if isinstance(fault, StallSync):
        yield from _stall(scenario, at.step, (*place, "at", "step"))


def _on_the_way_back(scenario: ScenarioFile, fault: Fault, place: Location) -> Iterator[Impossible]:
    """A reverse move begins with a rollback that is asked for, and has nothing to synchronise of its own."""
    if "rollback" not in scenario.then:
        hint = "add then: [rollback], or choose another step"
        yield Impossible((*place, "at", "step"), "nobody asks for a rollback, so there is no reverse move", hint)
    if isinstance(fault, StallSync):
        yield Impossible((*place, "do"), "on the way back nothing is synchronised", "choose another fault or step")


def _stall(scenario: ScenarioFile, step: str, place: Location) -> Iterator[Impossible]:
    steps, last = STEPS_OF[scenario.start.plan], LAST_SYNCING[scenario.start.strategy]
    if steps.index(step) not in range(steps.index(FIRST_SYNCING), steps.index(last) + 1):
        hint = f"choose a step from {FIRST_SYNCING} to {last}"
        yield Impossible(place, f"in {step} nothing is synchronised", hint)
    elif scenario.start.settings.first_sync == "skip":
        hint = "remove first_sync: skip from start.settings, or the fault"
        yield Impossible(place, "the first synchronisation is skipped, so none can stall", hint)


def _target(scenario: ScenarioFile, fault: Fault, place: Location) -> Iterator[Impossible]:
    """Whether what the fault hits is there."""
    if isinstance(fault, OperatorOrder):
        yield from _order(scenario, fault, place)
    if isinstance(fault, Corrupt | WriteObject | ReadError) and not scenario.start.store.objects:
        yield Impossible((*place, "do"), "there is no object to change", "give start.store some objects")
    if isinstance(fault, FsyncFails) and fault.place == "device":
        hint = "choose another place, or disk_errors"
        yield Impossible((*place, "place"), "DRBD lets go of a disk that refuses a write", hint)
    if isinstance(fault, Corrupt | ReadError | FsyncFails | FillDisk):
        where, key = (fault.path, "path") if isinstance(fault, FillDisk) else (fault.place, "place")
        if fault.host == "additional" and where in _OF_THE_ORIGINAL:
            hint = "choose host: original, or another place"
            yield Impossible((*place, key), f"the additional host has no {where}", hint)
    for index, lab in enumerate(scenario.labs):
        if lacking := fault_not_played(fault, lab):
            yield Impossible(("labs", index), f"the lab {lab} {lacking}", "take the lab out")


def _order(scenario: ScenarioFile, fault: OperatorOrder, place: Location) -> Iterator[Impossible]:
    if scenario.driver == "vendor":
        hint = "take the fault out, or write driver: engine"
        yield Impossible((*place, "do"), "nobody who types the vendor's text listens to orders", hint)
    if (fault.order == "throttle") != (fault.kib_s is not None):
        hint = "write order: throttle and kib_s: together"
        yield Impossible((*place, "order"), "a throttle has a rate, and nothing else has one", hint)
    if fault.order == "pause" and fault.for_s is None:
        hint = "write for_s: with the length of the pause"
        yield Impossible((*place, "order"), "a pause that nobody ends never ends", hint)
    if fault.order in ("cutover", "abort") and fault.for_s is not None:
        yield Impossible((*place, "for_s"), f"{fault.order} is not taken back", "leave for_s out")


def _actions(scenario: ScenarioFile) -> Iterator[Impossible]:
    off = Counter(host for fault in scenario.faults if isinstance(fault, PowerOff) for host in _hosts(fault.host))
    off.update(action.power_off_now for action in scenario.then if isinstance(action, PowerOffNow))
    back = {
        host: fault.for_s
        for fault in scenario.faults
        if isinstance(fault, PowerOff) and fault.for_s is not None
        for host in _hosts(fault.host)
    }
    filled = {(fault.host, fault.path): fault.until for fault in scenario.faults if isinstance(fault, FillDisk)}
    for index, action in enumerate(scenario.then):
        place: Location = ("then", index)
        if action == "resume" and not scenario.faults:
            yield Impossible(
                place, "nothing was interrupted, so nothing can be resumed", "write run_again, or add a fault"
            )
        if isinstance(action, PowerOn):
            for host in _hosts(action.power_on):
                if not off[host]:
                    hint = "remove this, or add a power_off fault"
                    yield Impossible((*place, "power_on"), f"{host} was never powered off", hint)
                elif host in back:
                    hint = "remove this, or for_s at the fault"
                    yield Impossible((*place, "power_on"), f"{host} comes back by itself after {back[host]:g} s", hint)
        if isinstance(action, FreeDisk):
            until = filled.get((action.free_disk.host, action.free_disk.path))
            if until is None:
                hint = "remove this, or add a fill_disk fault"
                yield Impossible((*place, "free_disk"), "no fault filled this disk", hint)
            elif until == "attempt_end":
                hint = "remove this, or write until: freed at the fault"
                yield Impossible((*place, "free_disk"), "the disk is freed when the attempt ends", hint)


def _hosts(word: str) -> tuple[str, ...]:
    return ("original", "additional") if word == "both" else (word,)


def _expectation(scenario: ScenarioFile) -> Iterator[Impossible]:
    expect = scenario.expect
    if expect.findings and expect.outcome != "refused":
        hint = "write outcome: refused, or remove findings"
        yield Impossible(("expect", "findings"), f"findings refuse a run; this one is {expect.outcome}", hint)
    if expect.outcome == "refused" and not expect.findings and not _asks_too_late(scenario):
        hint = "add findings: with the ids that preflight must report"
        yield Impossible(("expect", "outcome"), "a refusal without a reason proves nothing", hint)
    allowed = _exit_statuses(scenario)
    if expect.exit_status is not None and expect.exit_status not in allowed:
        hint = f"write {' or '.join(map(str, allowed))}, or leave it out"
        message = f"what ends {expect.outcome} here does not end with status {expect.exit_status}"
        yield Impossible(("expect", "exit_status"), message, hint)
    if expect.caught_saying and not expect.caught_by:
        hint = "add caught_by: with the checks that say so"
        yield Impossible(("expect", "caught_saying"), "no check is said to catch anything", hint)
    for index, check in enumerate(expect.caught_by):
        if check not in expect.checks or check in expect.caught_by[:index]:
            hint = "name each once, and in checks too"
            message = f"{check} is named twice, or does not judge this trial"
            yield Impossible(("expect", "caught_by", index), message, hint)
    for index, check in enumerate(expect.checks):
        if check in expect.checks[:index]:
            yield Impossible(("expect", "checks", index), f"the check {check} is named twice", "name each check once")
    yield from _ends(scenario)


def _asks_too_late(scenario: ScenarioFile) -> bool:
    """A rollback past the commit point is refused for that reason alone, and an adoption of nothing."""
    return bool(scenario.then) and scenario.then[-1] in ("rollback", "adopt", "first_wakes")


def _exit_statuses(scenario: ScenarioFile) -> tuple[int, ...]:
    """How the last attempt can end: a rollback that was asked for is a success, one that a failure led to is none."""
    last = next((action for action in reversed(scenario.then) if action in ATTEMPTS), None)
    return {
        "completed": (0,),
        "refused": (3,),
        "operator_needed": (5,),
        "rolled_back": (0,) if last == "rollback" else (4,),
        "reversed": (0,),
        "reverse_taken_back": (4,),
        "stopped": (1, 4) if last == "run_again" else (4,),
    }[scenario.expect.outcome]


def _attempts(scenario: ScenarioFile) -> list[Action]:
    """What runs the engine again."""
    return [action for action in scenario.then if action in ATTEMPTS or isinstance(action, ResumeWith)]


def _ends(scenario: ScenarioFile) -> Iterator[Impossible]:
    """Whether the story has somebody to bring it to its end."""
    outcome, attempts = (
        scenario.expect.outcome,
        _attempts(scenario),
    )
    killed = any(isinstance(fault, KillEngine) for fault in scenario.faults)
    if killed and not attempts:
        hint = "add then: [resume] or then: [rollback]"
        yield Impossible(("expect", "outcome"), f"the engine is dead and nobody brings the move to {outcome}", hint)
    if scenario.expect.copied_again is not None and not attempts:
        hint = "remove copied_again, or add then: [resume]"
        yield Impossible(("expect", "copied_again"), "one attempt alone copies nothing again", hint)
    if outcome == "refused" and not attempts:
        for index, fault in enumerate(scenario.faults):
            if fault.at is not None:
                hint = "remove the fault, or expect another outcome"
                yield Impossible(("faults", index, "at"), "a refused run begins no step", hint)
