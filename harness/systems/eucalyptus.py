"""The cloud controller's tools, and what Eucalyptus keeps in files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import UnexpectedOutput
from harness.hosts.command import Command, Effect, Result
from harness.hosts.host import Host, Reader
from harness.systems.printed import lines

VERSION_FILE = "/etc/eucalyptus/eucalyptus-version"
CONFIGURATION = "/etc/eucalyptus/eucalyptus.conf"
CLOUD_KEY = "/var/lib/eucalyptus/keys/euca.p12"
MANAGER_OPTION = "-Dwalrus.storage.manager=DRBDStorageManager"
STATES = {"BROKEN", "PRIMORDIAL", "INITIALIZED", "LOADED", "STOPPED", "NOTREADY", "DISABLED", "ENABLED"}


@dataclass(frozen=True)
class Registered:
    """One registered Walrus."""

    name: str
    partition: str
    address: str
    state: str


@dataclass(frozen=True)
class Cloud:
    """How the tools are called: with the credentials file sourced on the CLC, never read by us."""

    eucarc: str | None

    def command(self, argv: tuple[str, ...], effect: Effect = Effect.READ) -> Command:
        if self.eucarc:
            argv = ("sh", "-c", '. "$0" && exec "$@"', self.eucarc, *argv)
        return Command(argv, effect, timeout_s=120.0)

    def walruses(self, clc: Reader) -> list[Registered]:
        """Every registered Walrus, as ``euca_conf --list-walruses`` prints them."""
        found = []
        for line in lines(clc.read(self.command(("euca_conf", "--list-walruses"))).text):
            fields = [field.strip() for field in line.split("\t")]
            if fields[0] != "WALRUS":
                continue
            if len(fields) < 5:
                raise UnexpectedOutput(f"{clc.name}: euca_conf --list-walruses printed {line!r}")
            _, partition, name, address, state, *_ = fields
            if state not in STATES:
                raise UnexpectedOutput(f"{clc.name}: unknown state in {line!r}")
            found.append(Registered(name, partition, address, state))
        return found

    def answers(self, clc: Reader) -> bool:
        """The cloud controller answers its tools; one that is stopped or still starting does not."""
        return clc.ask(self.command(("euca_conf", "--list-walruses"))).ok

    def register(self, clc: Host, partition: str, address: str, name: str) -> Result:
        """Register a Walrus. Exit status 0 does not mean that its keys arrived; look at what it said."""
        return clc.run(self.command(_registration("--register-walrus", partition, address, name), Effect.WRITE))

    def deregister(self, clc: Host, partition: str, address: str, name: str) -> None:
        clc.run(self.command(_registration("--deregister-walrus", partition, address, name), Effect.WRITE))

    def properties(self, clc: Reader) -> dict[str, str]:
        """Every property that has a value."""
        printed = lines(clc.read(self.command(("euca-describe-properties",))).text)
        rows = [line.split("\t") for line in printed if line.startswith("PROPERTY\t")]
        return {row[1]: row[2] for row in rows if len(row) > 2 and row[2] not in ("<unset>", "")}

    def set_property(self, clc: Host, name: str, value: str) -> None:
        """Ask for a new value. Before its row exists the tool prints ``<unset> was <unset>`` and does nothing."""
        clc.attempt(self.command(("euca-modify-property", "-p", f"{name}={value}"), Effect.WRITE))


def _registration(option: str, partition: str, address: str, name: str) -> tuple[str, ...]:
    return ("euca_conf", option, "--partition", partition, "--host", address, "--component", name)


def key_sync_failed(result: Result) -> bool:
    """euca_conf ignores a failed copy of the keys and exits 0; only its error stream tells."""
    return b"key sync" in result.stderr and b"failed" in result.stderr


_CLOUD_OPTS = re.compile(r"^([ \t]*(?:export[ \t]+)?CLOUD_OPTS=)(.*)$", re.MULTILINE)
_VALUE = re.compile(
    r"""(?:"((?:[^"\\`$\0-\x08\x0a-\x1f]|\$[A-Za-z_{])*)"   # variables may stand in it; they stay as they are
       |'([^'"\\`$\0-\x08\x0a-\x1f]*)'
       |([A-Za-z0-9_./:=,+@%-]*))
       (?:[ \t]+(?:\#.*)?)?""",
    re.VERBOSE,
)


def cloud_opts(configuration: str) -> list[str]:
    """The options of the last CLOUD_OPTS line; a commented line does not count.

    Raises:
        UnexpectedOutput: the value is more than one quoted text: the services' shell would make something else of it
            than can be told from here.
    """
    found = _CLOUD_OPTS.findall(configuration)
    if not found:
        return []
    value = _VALUE.fullmatch(found[-1][1])
    if not value:
        raise UnexpectedOutput(
            f"{CONFIGURATION} sets CLOUD_OPTS in a way that is not understood: {found[-1][1]!r:.200}"
        )
    return [option for option in re.split("[ \t]+", "".join(part or "" for part in value.groups())) if option]


def with_storage_manager(configuration: str) -> str:
    """The configuration with the DRBD storage manager added to CLOUD_OPTS; options that are there stay.

    The vendor's text sets the variable anew, which throws heap and bind options away.

    Raises:
        UnexpectedOutput: as ``cloud_opts``.
    """
    options = [option for option in cloud_opts(configuration) if not option.startswith("-Dwalrus.storage.manager=")]
    value = f'"{" ".join([*options, MANAGER_OPTION])}"'
    matches = list(_CLOUD_OPTS.finditer(configuration))
    if not matches:
        return f"{configuration.rstrip()}\nCLOUD_OPTS={value}\n" if configuration.strip() else f"CLOUD_OPTS={value}\n"
    last = matches[-1]
    return configuration[: last.end(1)] + value + configuration[last.end() :]


def without_storage_manager(configuration: str) -> str:
    """The configuration with the DRBD storage manager taken out of CLOUD_OPTS; every other option stays.

    Raises:
        UnexpectedOutput: as ``cloud_opts``.
    """
    options = cloud_opts(configuration)
    if MANAGER_OPTION not in options:
        return configuration
    last = list(_CLOUD_OPTS.finditer(configuration))[-1]
    value = f'"{" ".join(option for option in options if option != MANAGER_OPTION)}"'
    return configuration[: last.end(1)] + value + configuration[last.end() :]
