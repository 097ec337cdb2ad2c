"""The door between the engine's requests and simulated machines: data goes through, and nothing else."""

from __future__ import annotations

from fakes.fence import HeldByOther, OtherLife, StaleEpoch
from fakes.program import Call, Reply
from fakes.simulated import NoAnswer, SimulatedMachine, SimulatedWorld
from harness.errors import CommandFailed, Fenced, Held, HostError, Indeterminate, Rebooted, Unreachable
from harness.hosts.command import (
    Answer,
    AskHolder,
    AskRecord,
    Claim,
    Command,
    ContinueJob,
    Fence,
    JobReport,
    JobStatus,
    KeepRecord,
    PauseJob,
    PollJob,
    PutFile,
    Request,
    Result,
    StartJob,
    StopJob,
)


class Door:
    """Carries requests to the machines of one world, with the promises of ``Transport.send``."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    def send(self, name: str, request: Request, fence: Fence | None) -> Answer:
        machine = self._world.machines[name]
        try:
            if fence is not None:
                machine.holder()  # asks for an answer first: a dead host compares no epochs
                machine.check(fence.run_id, fence.epoch)
            return _carry(machine, request)
        except NoAnswer as silence:
            raise _lost(name, silence) from None
        except StaleEpoch as stale:
            raise Fenced(name, str(stale)) from None
        except OtherLife as other:
            raise Rebooted(name, str(other)) from None
        except HeldByOther as held:
            raise Held(name, str(held)) from None


def _lost(name: str, silence: NoAnswer) -> HostError:
    return Indeterminate(name, str(silence)) if silence.ran else Unreachable(name, str(silence))


def _carry(machine: SimulatedMachine, request: Request) -> Answer:
    match request:
        case Command(argv=argv, stdin=stdin, timeout_s=timeout_s):
            return _result(machine.execute(Call(argv, stdin), timeout_s))
        case PutFile(path=path, content=content, mode=mode):
            try:
                machine.put(path, content, mode)
            except OSError as error:
                raise CommandFailed(machine.name, str(request), Result(1, b"", str(error).encode())) from None
        case StartJob(job_id=job_id, command=command):
            machine.start_job(job_id, Call(command.argv, command.stdin))
        case PollJob(job_id=job_id):
            word, reply = machine.poll_job(job_id)
            return JobReport(JobStatus(word), _result(reply) if reply else None)
        case StopJob(job_id=job_id):
            machine.stop_job(job_id)
        case PauseJob(job_id=job_id):
            machine.pause_job(job_id)
        case ContinueJob(job_id=job_id):
            machine.continue_job(job_id)
        case Claim(fence=fence, release=True):
            machine.release(fence.run_id, fence.epoch)
        case Claim(fence=fence, takes_over=former):
            machine.claim(fence.run_id, fence.epoch, former)
        case KeepRecord(name=record, content=content, offset=offset):
            try:
                machine.keep_record(record, content, offset)
            except OSError as error:
                raise CommandFailed(machine.name, str(request), Result(1, b"", str(error).encode())) from None
        case AskRecord(name=record):
            kept = machine.ask_record(record)
            return Result(1) if kept is None else Result(0, kept)
        case AskHolder():
            run_id, epoch = machine.holder()
            return Fence(epoch, run_id)
    return None


def _result(reply: Reply) -> Result:
    return Result(reply.exit_status, reply.stdout, reply.stderr)
