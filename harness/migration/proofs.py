"""Proofs as a run takes them: each is in its journal before the command that consumes it is sent."""

from __future__ import annotations

from dataclasses import dataclass

from harness.hosts.command import Command, Result
from harness.hosts.host import Host, Reader
from harness.hosts.proof import Claim, Proof
from harness.migration import copies
from harness.migration.site import Site
from harness.systems import comparing, files, mounts, store


@dataclass(frozen=True)
class KeptAt:
    """The claim that a copy may go: it is a plain directory, and the store lies elsewhere as it was frozen."""

    site: Site[Host]
    kept: str
    goes: str

    def __str__(self) -> str:
        return f"the store lies at {self.kept} as it was frozen, so that {self.goes} may go"

    def denied(self, host: Reader) -> str | None:
        found = files.stat(host, self.goes)
        if found is None or found.kind != "directory":
            return f"{host.name}: {self.goes} is {found.kind if found else 'missing'} and no directory of ours"
        inside = [mount.at for mount in mounts.mounts(host) if f"{mount.at}/".startswith(f"{self.goes}/")]
        if inside:
            return f"{host.name}: something is mounted at {inside[0]}, and removing {self.goes} would empty it"
        said = comparing.differences(copies.frozen(self.site), store.listed_once(host, self.kept), by_listing=True)
        return f"{host.name}: {self.kept} is not as it was frozen: {'; '.join(said[:5])}" if said else None


def proven(site: Site[Host], host: Host, claim: Claim, command: Command) -> Proof:
    """The proof that ``command`` may destroy; what was seen is noted durably, with the epoch and the frozen manifest.

    Raises:
        StepBlocked: the claim does not hold.
    """
    proof = host.prove(claim, command)
    site.memory.note(
        "proof",
        host=host.name,
        command=str(command),
        claim=proof.claim,
        epoch=host.fence.epoch if host.fence else 0,
        frozen=site.memory.fact("frozen"),
    )
    return proof


def destroy(site: Site[Host], host: Host, claim: Claim, command: Command) -> Result:
    """Prove, and run at once.

    Raises:
        StepBlocked: the claim does not hold; nothing was sent.
        CommandFailed: the command failed.
    """
    return host.run(command, proven(site, host, claim, command))
