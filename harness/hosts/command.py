"""What can be asked of a host, and what it answers. Pure data: nothing here talks to a machine."""

from __future__ import annotations

import enum
import hashlib
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from harness.hosts.spool import Spool


class Effect(enum.Enum):
    """What a request does to the world; fencing and interlocks depend on it."""

    READ = "read"
    WRITE = "write"
    DESTROY = "destroy"


@dataclass(frozen=True)
class Command:
    """One program run on a host: an argument list, never a shell line.

    Arguments are ``str``; bytes of object names that are not UTF-8 travel as surrogate escapes
    (``os.fsdecode``). ``timeout_s`` bounds the wait for the answer, not the program: when it passes,
    the outcome is unknown.
    """

    argv: tuple[str, ...]
    effect: Effect = Effect.READ
    stdin: bytes = b""
    timeout_s: float = 60.0

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(frozen=True)
class Result:
    """What a program answered. ``output`` is its standard output, which may be as long as a store has objects."""

    exit_status: int
    output: bytes | Spool = b""
    stderr: bytes = b""

    @property
    def ok(self) -> bool:
        return self.exit_status == 0

    @property
    def stdout(self) -> bytes:
        """Standard output as a whole, for those who know that it is little."""
        return self.output if isinstance(self.output, bytes) else self.output.whole()

    def pieces(self) -> Iterator[bytes]:
        """Standard output piece by piece, however much it is."""
        return iter((self.output,)) if isinstance(self.output, bytes) else self.output.pieces()

    @property
    def text(self) -> str:
        """Standard output decoded; bytes that are not UTF-8 become surrogate escapes."""
        return self.stdout.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class PutFile:
    """Replace a small file as a whole: temporary name in the same directory, flushed, renamed, directory flushed.

    ``mode`` None keeps the mode and owner of the file that is there (0644 root for a new one).
    """

    path: str
    content: bytes
    mode: int | None = None
    timeout_s: float = 60.0

    def __str__(self) -> str:
        return f"put {self.path} ({len(self.content)} bytes)"


@dataclass(frozen=True)
class StartJob:
    """Start a command that outlives the connection and the engine; starting the same id twice starts one."""

    job_id: str
    command: Command

    def __str__(self) -> str:
        return f"start job {self.job_id}: {self.command}"


@dataclass(frozen=True)
class PollJob:
    """Ask how a detached job is doing."""

    job_id: str
    timeout_s: float = 60.0

    def __str__(self) -> str:
        return f"poll job {self.job_id}"


@dataclass(frozen=True)
class StopJob:
    """End a detached job with all its processes, at once; nothing happens when it is not running."""

    job_id: str
    timeout_s: float = 60.0

    def __str__(self) -> str:
        return f"stop job {self.job_id}"


@dataclass(frozen=True)
class PauseJob:
    """Let a detached job stand still with all its processes, as it is; nothing happens when it is not running."""

    job_id: str
    timeout_s: float = 60.0

    def __str__(self) -> str:
        return f"pause job {self.job_id}"


@dataclass(frozen=True)
class ContinueJob:
    """Let a job go on that was paused; nothing happens when it was not, or is not running."""

    job_id: str
    timeout_s: float = 60.0

    def __str__(self) -> str:
        return f"continue job {self.job_id}"


class JobStatus(enum.Enum):
    """The life of a detached job as the host knows it."""

    ABSENT = "absent"  # never started, or its record is gone
    RUNNING = "running"  # or paused
    DONE = "done"  # ended by itself; the exit status is known
    DEAD = "dead"  # its process is gone and left no exit status: killed, or the host rebooted


@dataclass(frozen=True)
class JobReport:
    """The answer to PollJob; output is complete only when DONE."""

    status: JobStatus
    result: Result | None = None


@dataclass(frozen=True)
class Fence:
    """The epoch under which a run may change a host; sent along with every WRITE and DESTROY."""

    epoch: int
    run_id: str


@dataclass(frozen=True)
class Claim:
    """Raise the host's epoch for a run, or with ``release`` give the host back and keep the epoch.

    The host refuses when another unfinished run holds it (Held), unless it is the one that ``takes_over`` names, and
    when the epoch is not newer than the one it has granted (Fenced). The checks and the raise happen under one lock on
    the host. Releasing demands that the epoch is still the one granted.
    """

    fence: Fence
    release: bool = False
    takes_over: str | None = None
    timeout_s: float = 60.0

    def __str__(self) -> str:
        verb = "release" if self.release else "claim"
        return f"{verb} epoch {self.fence.epoch} for {self.fence.run_id}"


@dataclass(frozen=True)
class AskHolder:
    """Ask which epoch the host has granted, and to whom; changes nothing."""

    timeout_s: float = 60.0

    def __str__(self) -> str:
        return "ask for the granted epoch"


@dataclass(frozen=True)
class KeepRecord:
    """Keep bytes under a name beside the host's epoch, durably; whoever asks for that name later gets them.

    ``offset`` 0 replaces what was kept as a whole; otherwise the content is added to what is kept, which must be that
    long.
    """

    name: str
    content: bytes
    offset: int = 0
    timeout_s: float = 60.0

    def __str__(self) -> str:
        return f"keep {self.name} ({len(self.content)} bytes from {self.offset})"


@dataclass(frozen=True)
class AskRecord:
    """Ask for what is kept under a name: a Result with status 0, or 1 when nothing is."""

    name: str
    timeout_s: float = 600.0

    def __str__(self) -> str:
        return f"ask for {self.name}"


Request = (
    Command
    | PutFile
    | StartJob
    | PollJob
    | StopJob
    | PauseJob
    | ContinueJob
    | Claim
    | AskHolder
    | KeepRecord
    | AskRecord
)
Answer = Result | JobReport | Fence | None


def wire_digest(request: Request) -> str:
    """SHA-256 of what a request makes a host do: every argument and the standard input, or path, mode and content.

    The id of a job is left out: it names the run and the epoch and decides nothing.
    """
    match request:
        case Command(argv=argv, stdin=stdin):
            parts = [b"run", stdin, *(os.fsencode(word) for word in argv)]
        case StartJob(command=Command(argv=argv, stdin=stdin)):
            parts = [b"job", stdin, *(os.fsencode(word) for word in argv)]
        case PutFile(path=path, content=content, mode=mode):
            parts = [b"put", os.fsencode(path), str(mode).encode(), content]
        case _:
            parts = [type(request).__name__.encode()]
    return hashlib.sha256(b"".join(b"%d:%s," % (len(part), part) for part in parts)).hexdigest()


def effect_of(request: Request) -> Effect:
    """What a request does to the host."""
    match request:
        case Command(effect=effect) | StartJob(command=Command(effect=effect)):
            return effect
        case PutFile() | StopJob() | PauseJob() | ContinueJob() | Claim() | KeepRecord():
            return Effect.WRITE
        case PollJob() | AskHolder() | AskRecord():
            return Effect.READ
