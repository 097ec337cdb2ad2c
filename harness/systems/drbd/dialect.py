"""The words in which each generation of DRBD is spoken to.

Sources: drbd-utils' documentation/v83 and v84, and its bundled drbdadm-83 and drbdadm-84 run without a kernel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import UnexpectedOutput
from harness.hosts.command import Command, Effect
from harness.hosts.host import Reader


@dataclass(frozen=True)
class Dialect:
    """Grammar of drbdadm and of drbd.conf; options stand before the word in 8.3, behind it later."""

    name: str
    options_first: bool

    def command(self, word: str, resource: str, effect: Effect, *options: str) -> Command:
        """One drbdadm call."""
        if self.options_first and options:
            return Command(("drbdadm", "--", *options, word, resource), effect)
        return Command(("drbdadm", word, *options, resource), effect)

    def force_primary(self, resource: str) -> Command:
        """Declare this side's data good although no side is UpToDate: starts the full first sync."""
        option = "--overwrite-data-of-peer" if self.options_first else "--force"
        return self.command("primary", resource, Effect.DESTROY, option)

    def skip_first_sync(self, resource: str) -> Command:
        """Declare both sides equal although nothing was compared; only right on metadata made a moment ago."""
        return self.command("new-current-uuid", resource, Effect.DESTROY, "--clear-bitmap")

    def wipe_metadata(self, resource: str) -> Command:
        """8.4's drbdadm refuses ``wipe-md --force``; options handed through in 8.3's way reach drbdmeta in both."""
        return Command(("drbdadm", "--", "--force", "wipe-md", resource), Effect.DESTROY)

    def rate_section(self, rate: str) -> list[str]:
        """A fixed resync speed."""
        if self.options_first:
            return ["  syncer {", f"    rate {rate};", "    verify-alg sha1;", "  }"]
        return ["  disk {", f"    resync-rate {rate};", "    c-plan-ahead 0;", "  }"]

    def net_options(self) -> list[str]:
        """``verify-alg`` moved from the syncer section to the net section with 8.4."""
        return [] if self.options_first else ["    verify-alg sha1;"]


DIALECT_83 = Dialect("8.3", options_first=True)
DIALECT_84 = Dialect("8.4", options_first=False)
DIALECTS = {dialect.name: dialect for dialect in (DIALECT_83, DIALECT_84)}


def kernel_version(host: Reader) -> tuple[int, int, int]:
    """The DRBD of the host's kernel: the module that is loaded, or the one that would be.

    The tools' own version says nothing of it: drbd-utils 9 drives modules of 8.4.

    Raises:
        UnexpectedOutput: when neither is told.
    """
    text = host.read(Command(("drbdadm", "--version"))).text
    match = re.search(r"^DRBD_KERNEL_VERSION_CODE=0x([0-9a-fA-F]{6})$", text, re.MULTILINE)
    if match and int(match.group(1), 16):
        code = int(match.group(1), 16)
        return code >> 16, code >> 8 & 255, code & 255
    told = host.ask(Command(("modinfo", "-F", "version", "drbd")))
    parts = re.match(r"([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})(?![0-9])", told.text)
    if not parts:
        said = told.stderr.decode("utf-8", "backslashreplace").strip() or told.text
        raise UnexpectedOutput(f"{host.name}: neither drbdadm --version nor modinfo tells the kernel's DRBD: {said}")
    return int(parts.group(1)), int(parts.group(2)), int(parts.group(3))


def dialect_of(version: tuple[int, int, int]) -> Dialect | None:
    """The dialect for a version, None for one that Walrus 3.2 cannot work with.

    Walrus splits the answer of ``drbdadm role`` on "/" (DRBDStorageManager, 3.2.2) and DRBD 9 prints one word.
    """
    return {(8, 3): DIALECT_83, (8, 4): DIALECT_84}.get(version[:2])
