"""A scenario: one YAML file that says how the world starts, what breaks when, what is done then and what must come out.

``python -m harness.trials.scenario`` prints the JSON Schema of the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag

from harness import yamlfile
from harness.errors import InvalidInput, Problem
from harness.evidence import DriverName
from harness.inventory import Settings
from harness.labs.lab import Deed, Start, StoreSpec
from harness.layout import Layout
from harness.trials.actions import ClientWrites, CutNow, CutPower, PowerOffNow, TypeLine
from harness.trials.hazards import Differs, OneLine, Program, Role, WalrusRole
from harness.trials.literal.choices import Choices, VendorStep
from harness.yamlmodel import Bytes, BytesPerSecond, Strict, validate

_NAME = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")

LabName = Literal["simulated", "containers", "privileged", "machines"]
CheckName = Literal["durability", "exclusivity", "service", "replica", "reversibility", "foresight"]
OutcomeName = Literal[
    "completed", "rolled_back", "reversed", "reverse_taken_back", "stopped", "refused", "operator_needed"
]
StepName = Literal[
    "register-additional",
    "stop-additional",
    "stop-services",
    "freeze-manifest",
    "stage-store",
    "stage-second",
    "configure-drbd",
    "unmount-store",
    "clear-device",
    "create-metadata",
    "connect-peers",
    "become-primary",
    "make-filesystem",
    "mount-aside",
    "copy-ahead",
    "first-sync",
    "catch-up",
    "copy-difference",
    "configure-walrus",
    "set-store-aside",
    "mount-device",
    "restore-store",
    "wait-for-sync",
    "hand-over",
    "start-drbd-at-boot",
    "commit",
    "start-services",
    "set-properties",
    "confirm-service",
]
ReverseStepName = Literal[
    "stop-pair",
    "connect-pair",
    "release-pair",
    "sync-pair",
    "promote-original",
    "mount-pair",
    "freeze-pair",
    "copy-back",
    "take-pair-down",
    "keep-pair-down",
    "put-store-back",
    "unconfigure",
    "commit-reverse",
    "start-original",
    "confirm-original",
    "deregister-additional",
    "start-additional",
    "reset-properties",
]
REVERSE_STEP_NAMES: tuple[str, ...] = get_args(ReverseStepName)  # of a rollback after the commit point
STEP_NAMES: tuple[str, ...] = get_args(StepName)
_ONLY_ONLINE = {"stop-additional", "mount-aside", "copy-ahead", "first-sync", "catch-up", "copy-difference"}
_ONLY_ONLINE |= {"configure-walrus"}
_AHEAD = (  # of an online move's window
    *("register-additional", "stop-additional", "configure-drbd", "create-metadata", "connect-peers"),
    *("become-primary", "make-filesystem", "mount-aside", "copy-ahead", "first-sync", "catch-up"),
)
_ONLY_REUSING = {"stage-second", "unmount-store", "clear-device"}
_ONLY_STAGED = {"stage-store", "restore-store", *_ONLY_REUSING}
STEPS_OF: dict[str, tuple[str, ...]] = {  # in each plan's order
    "staged": tuple(name for name in STEP_NAMES if name not in {*_ONLY_ONLINE, *_ONLY_REUSING}),
    "online": (*_AHEAD, *(name for name in STEP_NAMES if name not in {*_AHEAD, *_ONLY_STAGED})),
    "reusing": tuple(name for name in STEP_NAMES if name not in {*_ONLY_ONLINE, "set-store-aside"}),
}
ALL_CHECKS: tuple[CheckName, ...] = ("durability", "exclusivity", "service", "replica", "reversibility")
Place = Literal["store", "staging", "second-staging", "old-store", "returning-store", "device"]
AnyHost = Literal["original", "additional", "clc", "both"]  # both: original and additional
SweepFault = Literal[
    "kill_engine",
    "cut_original",
    "cut_additional",
    "cut_clc",
    "cut_both",
    "cut_link",
    "lose_reply",
    "fail",
    "hang",
]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Nth = Annotated[int, Field(ge=1, le=10_000)]


class At(Strict):
    """The moment of a fault: before, during or after a step; during at a share of its copy, hash or sync."""

    step: Literal[StepName, ReverseStepName, VendorStep]
    moment: Literal["before", "during", "after"]
    progress: Annotated[float, Field(ge=0, le=1)] | None = None


class KillEngine(Strict):
    """The engine dies at once, as by kill -9."""

    do: Literal["kill_engine"]
    at: At


class Image(Strict):
    """One of the legal states after a power cut, by number: 0 flushed, 1 all, 2 names only, 3 torn, then others."""

    image: Annotated[int, Field(ge=0, le=100_000)]


def _survival_kind(value: Any) -> str:
    return "word" if isinstance(value, str) else "image"


Survival = Annotated[
    Annotated[Literal["flushed", "all", "torn"], Tag("word")] | Annotated[Image, Tag("image")],
    Discriminator(_survival_kind),
]


class PowerOff(Strict):
    """A host loses power. Without ``for_s`` it stays off until ``then`` ends that.

    ``survives`` says what becomes of what was not flushed: nothing of it is there (flushed), everything (all), every
    name and the beginning of each file (torn), or one of the legal images.
    """

    do: Literal["power_off"]
    at: At
    host: AnyHost
    for_s: Seconds | None = None
    survives: Survival = "flushed"


class Freeze(Strict):
    """A host stops and later goes on as if nothing had happened."""

    do: Literal["freeze"]
    at: At
    host: AnyHost
    for_s: Seconds


class CutLink(Strict):
    """The replication link is cut, or only what one host sends is lost; the engine still reaches both hosts."""

    do: Literal["cut_link"]
    at: At
    for_s: Seconds
    only_from: WalrusRole | None = None


class StallSync(Strict):
    """The resync makes no progress although the peers stay connected."""

    do: Literal["stall_sync"]
    at: At
    for_s: Seconds


class FillDisk(Strict):
    """Somebody fills the file system that holds a place; freed when the attempt ends, or by ``then: free_disk``."""

    do: Literal["fill_disk"]
    at: At
    host: WalrusRole
    path: Place
    until: Literal["attempt_end", "freed"] = "attempt_end"


class DiskErrors(Strict):
    """The disk under DRBD fails every read and write; when it works again DRBD has let go of it."""

    do: Literal["disk_errors"]
    at: At
    host: WalrusRole
    for_s: Seconds


class ReadError(Strict):
    """Reading one object of a place ends in an input/output error, until the attempt ends."""

    do: Literal["read_error"]
    at: At
    host: WalrusRole
    place: Place


class FsyncFails(Strict):
    """The disk with a place refuses once what is flushed to it; from then on those pages count as clean."""

    do: Literal["fsync_fails"]
    at: At
    host: WalrusRole
    place: Place


class SlowDisk(Strict):
    """Every read and write of the disk under DRBD takes so much longer."""

    do: Literal["slow_disk"]
    at: At
    host: WalrusRole
    delay_ms: Annotated[int, Field(ge=1, le=60_000)]
    for_s: Seconds


class ResetSsh(Strict):
    """The engine's ssh sessions on a host end while a command runs in one; what it did is not told."""

    do: Literal["reset_ssh"]
    at: At
    host: AnyHost


class CommandFault(Strict):
    """Which command is hit: the nth one of that program on that host, counted from the start of the trial.

    ``argument`` counts only commands with exactly that argument; ``at`` only those sent during that step.
    """

    host: Role
    program: Program
    argument: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    nth: Nth = 1
    at: At | None = None


class FailCommand(CommandFault):
    """The program exits with ``status``, before it did anything or after it did all."""

    do: Literal["fail_command"]
    effect: Literal["before", "after"] = "before"
    status: Annotated[int, Field(ge=1, le=255)] = 1


class HangCommand(CommandFault):
    """The program never answers, before it did anything or after it did all."""

    do: Literal["hang_command"]
    effect: Literal["before", "after"] = "before"


class LoseReply(CommandFault):
    """The program runs to its end and its answer never arrives."""

    do: Literal["lose_reply"]


class LyingExit(CommandFault):
    """The program exits 0 without its effect, or having cut one object of a place to half its length."""

    do: Literal["lying_exit"]
    truncates: Place | None = None


class Corrupt(Strict):
    """One byte of one object changes, size and times kept."""

    do: Literal["corrupt"]
    at: At
    host: WalrusRole
    place: Place


class WriteObject(Strict):
    """A writer that was not stopped changes an object of the store."""

    do: Literal["write_object"]
    at: At
    host: WalrusRole = "original"


class Client(Strict):
    """A client changes the store through the Walrus that serves it, once or again and again.

    ``disguise`` changes an object's content and puts its time back, as a restore or a careless script does.
    """

    do: Literal["client"]
    at: At
    does: Annotated[list[Deed], Field(min_length=1)]
    every_s: Seconds | None = None
    times: Annotated[int, Field(ge=1, le=10_000)] = 1


class SecondEngine(Strict):
    """Somebody starts the move a second time, as a run of its own."""

    do: Literal["second_engine"]
    at: At


class AdoptedMeanwhile(Strict):
    """The engine stands still; another controller adopts its run and goes on; then the engine wakes up."""

    do: Literal["adopted_meanwhile"]
    at: At
    then: Literal["nothing", "migrate", "rollback"] = "migrate"


class OperatorOrder(Strict):
    """The operator gives an order from another terminal; with ``for_s`` it is taken back after so long."""

    do: Literal["order"]
    at: At
    order: Literal["pause", "throttle", "cutover", "abort"]
    kib_s: Annotated[int, Field(gt=0, lt=2**31)] | None = None
    for_s: Seconds | None = None


class AtCommand(Strict):
    """A fault of the sweep at one command of the engine, counted from 1 in its attempt; the power is back after 3 s."""

    do: Literal["at_command"]
    number: Nth
    attempt: Annotated[int, Field(ge=1, le=100)] = 1
    fault: SweepFault
    moment: Literal["not_sent", "sent", "during", "done", "answered"]
    after_s: Annotated[float, Field(gt=0, le=3600)] | None = None  # how long after it was sent, during it

    @property
    def at(self) -> None:
        """No step: commands are counted whatever they belong to."""


class Order(Strict):
    """A command that somebody else types on a host, and how it must end there for the fault to count."""

    host: WalrusRole
    argv: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1)]
    status: Annotated[int, Field(ge=0, le=255)] = 0


class Outsider(Order):
    """Somebody else at work: cron, puppet, or an administrator runs a command that the engine did not ask for."""

    do: Literal["outsider"]
    at: At


class UnmodelledCall(Strict):
    """A program is called in a way that its fake does not model; such a trial must not pass."""

    do: Literal["unmodelled_call"]
    at: At
    host: AnyHost


Fault = Annotated[
    KillEngine
    | PowerOff
    | Freeze
    | CutLink
    | StallSync
    | FillDisk
    | DiskErrors
    | ReadError
    | FsyncFails
    | SlowDisk
    | ResetSsh
    | FailCommand
    | HangCommand
    | LoseReply
    | LyingExit
    | Corrupt
    | WriteObject
    | Client
    | SecondEngine
    | OperatorOrder
    | AdoptedMeanwhile
    | AtCommand
    | Outsider
    | UnmodelledCall,
    Field(discriminator="do"),
]


class PowerOn(Strict):
    """Start a host that was powered off and wait until it answers."""

    power_on: AnyHost


class Heal(Strict):
    """End every fault that is still on."""

    heal: Literal["all"]


class Wait(Strict):
    """Let time pass."""

    wait_s: Seconds


class Filled(Strict):
    """A disk that a fault filled."""

    host: WalrusRole
    path: Place


class FreeDisk(Strict):
    """Give the room back that ``fill_disk`` took."""

    free_disk: Filled


class OutsiderRuns(Strict):
    """Somebody else runs a command on a host, between two attempts."""

    outsider: Order


class ResumeWith(Strict):
    """Run the move again with other settings than it was begun with: the inventory was edited in between."""

    resume_with: Settings


def _action_kind(value: Any) -> str | None:
    """The tag of an action: a bare word, or the single key of a map."""
    if isinstance(value, str):
        return "word"
    if isinstance(value, Strict):
        return next(iter(type(value).model_fields))
    if isinstance(value, dict) and len(value) == 1:
        return str(next(iter(value)))
    return None


Word = Literal[
    "resume",
    "rollback",
    "run_again",
    "adopt",
    "first_wakes",
    "plan",
    "write_served",
    "delete_served",
    "retire",
]
Action = Annotated[
    Annotated[Word, Tag("word")]
    | Annotated[PowerOn, Tag("power_on")]
    | Annotated[Heal, Tag("heal")]
    | Annotated[Wait, Tag("wait_s")]
    | Annotated[FreeDisk, Tag("free_disk")]
    | Annotated[OutsiderRuns, Tag("outsider")]
    | Annotated[ResumeWith, Tag("resume_with")]
    | Annotated[TypeLine, Tag("type_line")]
    | Annotated[ClientWrites, Tag("client_writes")]
    | Annotated[CutPower, Tag("cut_power")]
    | Annotated[CutNow, Tag("cut_link_for_s")]
    | Annotated[PowerOffNow, Tag("power_off_now")],
    Discriminator(_action_kind),
]


First = Annotated[
    Annotated[Literal["plan"], Tag("word")] | Annotated[OutsiderRuns, Tag("outsider")], Discriminator(_action_kind)
]


class StoreBefore(Strict):
    """The objects in the store before the move; the same seed gives the same store."""

    objects: Annotated[int, Field(ge=0, le=10_000_000)] = 60
    bytes: Bytes = 2 * 1024**2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 7
    hostile_names: bool = True
    layout: Annotated[
        Layout | None, Field(description="Made after this layout, as facts of a site tell it, and not after the rest.")
    ] = None


class Before(Strict):
    """The world in which the trial begins."""

    drbd: Literal["8.3", "8.4"] = "8.4"
    strategy: Literal["staged", "online"] = "staged"
    clc: Literal["own", "original"] = "own"
    init: Literal["sysvinit", "systemd"] = "sysvinit"
    host_tools: Literal["today", "2012"] = "today"
    login: Literal["root", "sudo"] = "root"
    ssh: Literal["today", "5.3"] = "today"
    store: StoreBefore = StoreBefore()
    device_bytes: Bytes = 256 * 1024**2
    staging_bytes: Bytes | None = None
    store_on: Literal["root", "device"] = "root"
    second_staging_bytes: Bytes | None = None
    sync_rate: BytesPerSecond = 200 * 1024**2
    settings: Settings = Settings()
    differs: Differs = Differs()

    @property
    def plan(self) -> str:
        """Which plan the engine walks: that of the strategy, or the one for a device that is used again."""
        return "reusing" if self.settings.reuse_device else self.strategy

    def to_lab(self) -> Start:
        """The same, as a lab takes it: only settings and hazards that the file gives."""
        settings = self.settings.model_dump(exclude_unset=True) | {"strategy": self.strategy}
        return Start(
            drbd=self.drbd,
            clc=self.clc,
            init=self.init,
            host_tools=self.host_tools,
            login=self.login,
            ssh=self.ssh,
            store=StoreSpec(**self.store.model_dump(mode="json")),
            device_bytes=self.device_bytes,
            staging_bytes=self.staging_bytes,
            store_on=self.store_on,
            second_staging_bytes=self.second_staging_bytes,
            sync_bytes_per_s=self.sync_rate,
            settings=settings,
            differs=self.differs.model_dump(exclude_none=True),
        )


class Expect(Strict):
    """What must come out of the last attempt, and which checks judge the evidence."""

    outcome: OutcomeName
    findings: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]] = Field(default_factory=list)
    copied_again: Annotated[float, Field(ge=0, le=1)] | None = None
    window_at_most_s: Annotated[float, Field(ge=0, le=30 * 86_400)] | None = None
    checks: Annotated[list[CheckName], Field(min_length=1)] = Field(default_factory=lambda: list(ALL_CHECKS))
    exit_status: Annotated[int, Field(ge=0, le=255)] | None = None
    caught_by: Annotated[
        list[CheckName],
        Field(description="Checks that must find something wrong: the trial passes when they do and fails when not."),
    ] = Field(default_factory=list)
    caught_saying: Annotated[
        list[OneLine], Field(description="Words that these checks must say, so that they catch this and nothing else.")
    ] = Field(default_factory=list)


class Beside(Strict):
    """What our engine makes of the same start as the vendor's text, and of the same kind of trouble."""

    faults: list[Fault] = Field(default_factory=list)
    then: list[Action] = Field(default_factory=list)
    expect: Expect = Expect(outcome="completed")


class ScenarioFile(Strict):
    """What stands in a scenario file."""

    claim: Annotated[str, Field(min_length=10, max_length=300)]
    labs: Annotated[list[LabName], Field(min_length=1)]
    not_in: dict[LabName, Annotated[str, Field(min_length=10)]] = Field(default_factory=dict)
    start: Before = Before()
    first: list[First] = Field(default_factory=list)
    driver: DriverName = "engine"
    choices: Choices = Choices()
    faults: list[Fault] = Field(default_factory=list)
    then: list[Action] = Field(default_factory=list)
    expect: Expect
    beside: Beside | None = None


class Scenario(ScenarioFile):
    """One scenario; its name is the file's, without the ending."""

    name: str
    source: str
    beside_of: str = ""  # the scenario of the vendor's text whose start this one shares

    def engine_beside(self) -> Scenario | None:
        """The trial of our engine from the same start, where this one is the vendor's."""
        if self.beside is None:
            return None
        story = {"driver": "engine", "choices": Choices(), "beside": None, **dict(self.beside)}
        names = {"name": f"{self.name}.engine", "beside_of": self.name}
        claim = {"claim": f"our engine from the same start as: {self.claim}"}
        return Scenario.model_construct(**{**dict(self), **story, **names, **claim})


def load_scenarios(paths: Iterable[Path]) -> list[Scenario]:
    """Read scenario files, and all of those below folders, sorted by name; after each of the vendor's our engine's.

    Raises:
        InvalidInput: with every problem of every file, each with line, column and a suggestion.
    """
    problems: list[Problem] = []
    found: dict[str, Scenario] = {}
    for path in dict.fromkeys(file for given in paths for file in _files(given, problems)):
        try:
            scenario = read_scenario(path)
        except InvalidInput as invalid:
            problems += [problem for problem in invalid.problems if isinstance(problem, Problem)]
            continue
        known = found.setdefault(scenario.name, scenario)
        if known is not scenario:
            message = f"a second scenario with the name {scenario.name!r}; the first is {known.source}"
            problems.append(Problem(str(path), 1, 1, message, "the name of a file is its claim: choose another"))
    if problems:
        raise InvalidInput(*sorted(problems))
    return [one for name in sorted(found) for one in (found[name], found[name].engine_beside()) if one]


def _files(path: Path, problems: list[Problem]) -> list[Path]:
    """The scenario files that a path means."""
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
    if not files:
        problems.append(Problem(str(path), 1, 1, "no scenario here", "scenarios are files that end in .yaml or .yml"))
    return files


def read_scenario(path: Path) -> Scenario:
    """The scenario in one file.

    Raises:
        InvalidInput: with every problem of the file.
    """
    from harness.trials.possible import impossible  # the rules know the model, never the other way round

    document = yamlfile.read(path)
    parsed = validate(document, ScenarioFile)
    for found in impossible(parsed) if parsed else ():
        document.complain(found.location, found.message, found.suggestion)
    if not _NAME.fullmatch(path.stem):
        hint = "such as copy-interrupted-by-power-cut.yaml"
        document.complain((), f"{path.stem!r} is no name for a scenario: small letters, digits and -", hint)
    document.require_sound()
    assert parsed is not None, "a sound document gives a scenario"
    return Scenario.model_construct(name=path.stem, source=str(path), **dict(parsed))


def schema_text() -> str:
    """The JSON Schema of scenario files."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ScenarioFile.model_json_schema()}
    schema["title"] = "A scenario of walrus-ha"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
