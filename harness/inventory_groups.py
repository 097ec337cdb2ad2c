"""Groups, hosts and variables of an inventory file, with Ansible's precedence.

Groups give variables to hosts: outer groups first, inner groups over them, the host over all. Where Ansible would
choose silently (two groups of the same depth, a repeated key) this is an error: a wrong address here is a wrong disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from harness import sshoptions
from harness.grammar import Address, BlockDevice, HostName, HostOrAddress, LocalFile, UserName, host_name
from harness.inventory import Settings
from harness.yamlfile import Document, Location
from harness.yamlmodel import Strict, among, describe, wrong

_MAX_GROUPS = 100


def _connection_kind(value: Any) -> Any:
    if value == "docker":
        raise wrong("the docker connection is not supported", "run sshd in the container and reach it by ssh")
    return value


def _ssh_options(value: str) -> str:
    sshoptions.split(value)
    return value


SshOptions = Annotated[str, AfterValidator(_ssh_options)]


class HostVariables(Strict):
    """Ansible's variables of one host, as far as they are read."""

    ansible_host: HostOrAddress | None = None
    ansible_port: Annotated[int, Field(ge=1, le=65535)] | None = None  # None: as the user's ssh configuration says
    ansible_user: UserName | None = None  # likewise
    ansible_connection: Annotated[Literal["ssh", "local"], BeforeValidator(_connection_kind)] = "ssh"
    ansible_ssh_private_key_file: LocalFile | None = None
    ansible_ssh_common_args: SshOptions = ""
    ansible_ssh_extra_args: SshOptions = ""
    ansible_become: bool = False
    ansible_become_method: Literal["sudo"] = "sudo"
    ansible_become_user: UserName = "root"


class HostMigrate(Strict):
    """What stands under ``migrate:`` about one host."""

    backing_device: BlockDevice = "/dev/sdb"
    address: Address | None = None
    replication_address: Address | None = None
    uname: HostName | None = None
    known_hosts: LocalFile | None = None
    legacy_ssh: bool = False
    become_password_file: LocalFile | None = None
    become_password_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")] | None = None


VARIABLE_KEYS = list(HostVariables.model_fields)
HOST_KEYS = list(HostMigrate.model_fields)
SETTING_KEYS = list(Settings.model_fields)


@dataclass
class Group:
    """A group as the whole file defines it; it may stand in several places."""

    location: Location
    parents: set[str] = field(default_factory=set)
    hosts: dict[str, Location] = field(default_factory=dict)  # where each was named first
    layers: list[Location] = field(default_factory=list)  # its maps of variables
    ancestors: set[str] = field(default_factory=set)
    depth: int = 0


@dataclass
class Host:
    """A host as the whole file defines it."""

    name: str
    location: Location  # where it was named first
    layers: list[Location] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)  # those that name it, without the groups around them


@dataclass(frozen=True)
class Variables:
    """What holds for one host after precedence: where each value stands."""

    ansible: dict[str, Location]
    migrate: dict[str, Location]


class Groups:
    """All groups and hosts of a document; what is wrong with their form is noted there while reading."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.groups: dict[str, Group] = {}
        self.hosts: dict[str, Host] = {}
        self.sound = self._is_map((), "groups of hosts", empty=False)
        for name in self._keys(()):
            self._read_group(name, (name,), parent=None if name == "all" else "all")
        for name in self.groups:
            self._set_ancestors(name)
        if self._loops():
            self.sound = False
        else:
            for name in sorted(self.groups, key=lambda name: len(self.groups[name].ancestors)):
                parents = self.groups[name].parents & set(self.groups)
                self.groups[name].depth = max((1 + self.groups[parent].depth for parent in parents), default=0)

    def members(self, name: str) -> list[Host]:
        """Hosts of a group and of all groups in it."""
        return [
            host
            for host in self.hosts.values()
            if any(name == group or name in self.groups[group].ancestors for group in host.groups)
        ]

    def variables(self, host: Host) -> Variables:
        """Which value of each variable holds for a host; values in conflict are noted."""
        layers = [(_MAX_GROUPS + 1, location) for location in host.layers]
        for name in host.groups.union(*(self.groups[group].ancestors for group in host.groups)) & set(self.groups):
            layers += [(self.groups[name].depth, location) for location in self.groups[name].layers]
        ansible = self._strongest([(depth, (*at, key)) for depth, at in layers for key in self._keys(at)])
        nested = [(depth, (*at, "migrate")) for depth, at in layers]
        migrate = self._strongest([(depth, (*at, key)) for depth, at in nested for key in self._keys(at)])
        return Variables(
            {key: location for key, location in ansible.items() if key in VARIABLE_KEYS},
            {key: location for key, location in migrate.items() if key in (*HOST_KEYS, *SETTING_KEYS)},
        )

    def require_equal(self, first: Location, second: Location) -> None:
        """Two places that have the same weight have to say the same."""
        if self.document.get(first) != self.document.get(second):
            line, _ = self.document.mark(first)
            message = f"{second[-1]} has another value in line {line}, and neither place outweighs the other"
            self.document.complain(second, message, "say it once", at_key=True)

    def _read_group(self, name: str, location: Location, parent: str | None) -> None:
        group = self.groups.setdefault(name, Group(location))
        group.parents |= {parent} if parent else set()
        if len(self.groups) > _MAX_GROUPS:
            self.document.complain((), f"more than {_MAX_GROUPS} groups")
            return
        if not self._is_map(location, "hosts, vars and children"):
            return
        for key in self._keys(location):
            here = (*location, key)
            match key:
                case "hosts":
                    self._read_hosts(name, here)
                case "vars":
                    self._read_layer(group.layers, here, of_host=False)
                case "children":
                    self._read_children(name, here)
                case _:
                    hint = among(key, ("hosts", "vars", "children"))
                    self.document.complain(here, f"unknown key {key!r} in a group", hint, at_key=True)

    def _read_children(self, parent: str, location: Location) -> None:
        if self._is_map(location, "groups"):
            for child in self._keys(location):
                self._read_group(child, (*location, child), parent)

    def _read_hosts(self, group: str, location: Location) -> None:
        if not self._is_map(location, "hosts, each name followed by a colon"):
            return
        for name in self._keys(location):
            here = (*location, name)
            self._check_host_name(name, here)
            host = self.hosts.setdefault(name, Host(name, here))
            host.groups.add(group)
            self.groups[group].hosts.setdefault(name, here)
            self._read_layer(host.layers, here, of_host=True)

    def _check_host_name(self, name: str, location: Location) -> None:
        if "[" in name:
            self.document.complain(location, f"ranges such as {name!r} are not expanded", "name each host", at_key=True)
            return
        try:
            host_name(name)
        except ValueError as error:
            hint = "name it as uname -n prints it, and put its address into ansible_host"
            self.document.complain(location, str(error), hint, at_key=True)

    def _read_layer(self, layers: list[Location], location: Location, of_host: bool) -> None:
        """Note a map of variables after looking at its keys; values are looked at where they hold."""
        if not self._is_map(location, "variables"):
            return
        layers.append(location)
        for key in self._keys(location):
            here = (*location, key)
            if key == "migrate":
                self._check_migrate_keys(here, of_host)
            elif key.startswith("ansible_") and "pas" in key:  # pass, password, and what was meant for them
                hint = "use an ssh key or agent; for sudo there is become_password_file under migrate"
                self.document.complain(here, f"{key}: passwords do not belong in a file", hint, at_key=True)
            elif key not in VARIABLE_KEYS:
                ours = key in (*HOST_KEYS, *SETTING_KEYS)
                hint = "it belongs under migrate:" if ours else among(key, [*VARIABLE_KEYS, "migrate"])
                self.document.complain(here, f"unknown variable {key!r}", hint, at_key=True)

    def _check_migrate_keys(self, location: Location, of_host: bool) -> None:
        if not self._is_map(location, "settings of the move"):
            return
        for key in self._keys(location):
            here = (*location, key)
            if key not in (*HOST_KEYS, *SETTING_KEYS):
                hint = among(key, HOST_KEYS if of_host else [*SETTING_KEYS, *HOST_KEYS])
                self.document.complain(here, f"unknown key {key!r}", hint, at_key=True)
            elif of_host and key in SETTING_KEYS:
                message = f"{key} is a setting of the whole move, not of one host"
                self.document.complain(here, message, "move it to vars: of the group all", at_key=True)

    def _is_map(self, location: Location, of: str, empty: bool = True) -> bool:
        """True for a map, and for nothing at all where that is allowed; anything else is noted."""
        value = self.document.get(location)
        if (isinstance(value, dict) and (value or empty)) or (value is None and empty):
            return True
        self.document.complain(location, f"expected a map of {of}, found {describe(value)}")
        return False

    def _keys(self, location: Location) -> list[str]:
        value = self.document.get(location)
        return list(value) if isinstance(value, dict) else []

    def _set_ancestors(self, name: str) -> None:
        group = self.groups[name]
        waiting = list(group.parents)
        while waiting:
            parent = waiting.pop()
            if parent not in group.ancestors:
                group.ancestors.add(parent)
                waiting += self.groups[parent].parents if parent in self.groups else ()

    def _loops(self) -> bool:
        """Groups that contain themselves make precedence meaningless."""
        looping = [name for name, group in self.groups.items() if name in group.ancestors]
        for name in looping:
            location = self.groups[name].location
            self.document.complain(location, f"the group {name!r} contains itself", "break the circle", at_key=True)
        return bool(looping)

    def _strongest(self, found: list[tuple[int, Location]]) -> dict[str, Location]:
        """For each key the deepest place; two different values at the same depth are noted."""
        chosen: dict[str, tuple[int, Location]] = {}
        for depth, location in sorted(found, key=lambda item: (item[0], self.document.mark(item[1]))):
            known = chosen.get(str(location[-1]))
            if known and known[0] == depth and location[-1] != "migrate":
                self.require_equal(known[1], location)
            chosen[str(location[-1])] = (depth, location)
        return {key: location for key, (_, location) in chosen.items()}
