"""What destroys is sent only with a proof taken on that host, in that epoch, a moment ago, for that very command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from harness.errors import StepBlocked, Unproven
from harness.hosts.command import Answer, Claim, Command, Effect, Fence, PollJob, Request, Result, StartJob
from harness.hosts.function import FunctionTransport
from harness.hosts.host import Host, Reader
from harness.hosts.proof import MOST_AGE_S, Proof

LOOK = Command(("blkid", "-p", "/dev/sdb"))
WIPE = Command(("wipefs", "-a", "/dev/sdb"), Effect.DESTROY)
OTHER = Command(("wipefs", "-a", "/dev/sdc"), Effect.DESTROY)
TOUCH = Command(("touch", "/tmp/x"), Effect.WRITE)


@dataclass
class Time:
    """A clock that stands still until it is told."""

    at: float = 0.0

    def now(self) -> float:
        return self.at


@dataclass
class Seen:
    """A host that answers everything, and what it was sent."""

    requests: list[Request] = field(default_factory=list)

    def send(self, name: str, request: Request, fence: Fence | None) -> Answer:
        self.requests.append(request)
        return Result(0) if isinstance(request, Command) else None

    def destroyed(self) -> list[Request]:
        def destroys(one: Request) -> bool:
            command = one.command if isinstance(one, StartJob) else one
            return isinstance(command, Command) and command.effect is Effect.DESTROY

        return [one for one in self.requests if destroys(one)]


@dataclass(frozen=True)
class Says:
    """A claim that looks, or does not, and then says what it was told to."""

    denial: str | None = None
    looks: bool = True

    def __str__(self) -> str:
        return "/dev/sdb is blank"

    def denied(self, host: Reader) -> str | None:
        if self.looks:
            host.ask(LOOK)
        return self.denial


@dataclass
class Bench:
    """One host to destroy things on."""

    seen: Seen = field(default_factory=Seen)
    time: Time = field(default_factory=Time)

    def host(self, name: str = "walrus00") -> Host:
        host = Host(name, FunctionTransport(name, self.seen.send), self.time)  # type: ignore[arg-type]  # a door and a clock of the test
        host.claim(Fence(3, "run"))
        return host


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_fresh_proof_lets_its_command_through_once(bench: Bench) -> None:
    host = bench.host()
    proof = host.prove(Says(), WIPE)
    host.run(WIPE, proof)
    assert bench.seen.destroyed() == [WIPE]
    with pytest.raises(Unproven, match="was used before"):
        host.run(WIPE, proof)
    assert bench.seen.destroyed() == [WIPE]


def test_a_claim_that_does_not_hold_gives_no_proof(bench: Bench) -> None:
    with pytest.raises(StepBlocked, match="holds ext4"):
        bench.host().prove(Says("walrus00: /dev/sdb holds ext4"), WIPE)


def test_a_claim_that_asked_nothing_gives_no_proof(bench: Bench) -> None:
    with pytest.raises(Unproven, match="asked walrus00 nothing"):
        bench.host().prove(Says(looks=False), WIPE)


def _nothing(host: Host, bench: Bench) -> Proof | None:
    return None


def _for_another_command(host: Host, bench: Bench) -> Proof | None:
    return host.prove(Says(), OTHER)


def _from_another_host(host: Host, bench: Bench) -> Proof | None:
    return bench.host("walrus01").prove(Says(), WIPE)


def _from_another_life_of_the_run(host: Host, bench: Bench) -> Proof | None:
    return bench.host().prove(Says(), WIPE)


def _from_an_older_epoch(host: Host, bench: Bench) -> Proof | None:
    proof = host.prove(Says(), WIPE)
    host.claim(Fence(4, "run"))
    return proof


def _older_than_a_change(host: Host, bench: Bench) -> Proof | None:
    proof = host.prove(Says(), WIPE)
    host.run(TOUCH)
    return proof


def _older_than_a_file(host: Host, bench: Bench) -> Proof | None:
    proof = host.prove(Says(), WIPE)
    host.put("/etc/x", b"")
    return proof


def _older_than_a_job(host: Host, bench: Bench) -> Proof | None:
    proof = host.prove(Says(), WIPE)
    host.start("copy", TOUCH)
    return proof


def _out_of_date(host: Host, bench: Bench) -> Proof | None:
    proof = host.prove(Says(), WIPE)
    bench.time.at += MOST_AGE_S + 0.1
    return proof


NO_GOOD: list[Callable[[Host, Bench], Proof | None]] = [
    _nothing,
    _for_another_command,
    _from_another_host,
    _from_another_life_of_the_run,
    _from_an_older_epoch,
    _older_than_a_change,
    _older_than_a_file,
    _older_than_a_job,
    _out_of_date,
]


@pytest.mark.parametrize("no_good", NO_GOOD, ids=lambda made: made.__name__.strip("_"))
@pytest.mark.parametrize("way", ["attempt", "run", "start"])
def test_without_it_nothing_is_sent(bench: Bench, no_good: Callable[[Host, Bench], Proof | None], way: str) -> None:
    host = bench.host()
    proof = no_good(host, bench)
    ways: dict[str, Callable[[], object]] = {
        "attempt": lambda: host.attempt(WIPE, proof),
        "run": lambda: host.run(WIPE, proof),
        "start": lambda: host.start("wipe", WIPE, proof),
    }
    with pytest.raises(Unproven, match="`wipefs -a /dev/sdb` destroys"):
        ways[way]()
    assert bench.seen.destroyed() == []


def test_a_proof_cannot_be_made_by_hand(bench: Bench) -> None:
    with pytest.raises(TypeError):
        Proof()  # type: ignore[call-arg]  # made without what it must have, on purpose
    with pytest.raises(Unproven, match="only by looking"):
        Proof(object(), bench.host(), WIPE, "trust me", 0)


def test_looking_and_polling_leave_a_proof_fresh(bench: Bench) -> None:
    host = bench.host()
    proof = host.prove(Says(), WIPE)
    host.ask(LOOK)
    host.transport.send(PollJob("copy"))
    host.run(WIPE, proof)
    assert bench.seen.destroyed() == [WIPE]


def test_an_unclaimed_host_proves_nothing(bench: Bench) -> None:
    host = Host("walrus00", FunctionTransport("walrus00", bench.seen.send), bench.time)  # type: ignore[arg-type]  # a door and a clock of the test
    with pytest.raises(PermissionError):
        host.prove(Says(), WIPE)
    assert not any(isinstance(one, Claim) for one in bench.seen.requests)
