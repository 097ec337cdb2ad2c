"""The faults that a scenario can name: what breaks, where, at which moment. One class, one kind."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from harness.labs.lab import Deed
from harness.trials.hazards import Program, Role, WalrusRole
from harness.trials.literal.choices import VendorStep
from harness.trials.step_names import ReverseStepName, StepName
from harness.yamlmodel import Strict

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
