"""Read an inventory file: Ansible's YAML form as far as the move needs it, every mistake at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness import sshoptions, yamlfile
from harness.errors import InvalidInput, Problem
from harness.grammar import address
from harness.hosts.local import LocalConnection
from harness.hosts.secret import Secret
from harness.hosts.ssh import SshConnection
from harness.hosts.transport import Connection
from harness.inventory import Inventory, Node, Role, Settings
from harness.inventory_groups import HOST_KEYS, SETTING_KEYS, Groups, Host, HostMigrate, HostVariables, Variables
from harness.yamlfile import Document, Location
from harness.yamlmodel import among, validate

ROLES: tuple[Role, ...] = ("original", "additional", "clc")


def read_inventory(path: Path) -> Inventory:
    """The inventory in a file.

    Raises:
        InvalidInput: with every problem of the file.
    """
    text = yamlfile.read_text(path)
    _refuse_other_forms(text, str(path))
    document = yamlfile.parse(text, str(path))
    groups = Groups(document)
    inventory = _Reader(groups).inventory() if groups.sound else None
    document.require_sound()
    assert inventory is not None, "a sound document gives an inventory"
    return inventory


def _refuse_other_forms(text: str, file: str) -> None:
    """Say plainly that INI files and scripts are not read, instead of what YAML thinks of them."""
    if text.startswith("#!"):
        raise InvalidInput(Problem(file, 1, 1, "inventory scripts are not run", "give its output as a YAML file"))
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("[") and line.rstrip().endswith("]"):
            hint = "convert it with ansible-inventory --list --yaml"
            raise InvalidInput(Problem(file, number, 1, "an inventory in INI form; only YAML is read", hint))
        if line.strip() and not line.lstrip().startswith(("#", ";")):
            return


class _Reader:
    """From groups and variables to nodes and settings; everything wrong is noted in the document."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self.document: Document = groups.document
        self.hosts = self._roles()
        self.variables = {role: groups.variables(host) for role, host in self.hosts.items()}

    def inventory(self) -> Inventory | None:
        """The inventory, or None after noting what is wrong."""
        settings = self._settings()
        nodes = {role: node for role in self.hosts if (node := self._node(role))}
        self._require_distinct(nodes)
        if self.document.problems or settings is None:
            return None
        return Inventory(**nodes, settings=settings, source=self.document.file)

    def _roles(self) -> dict[Role, Host]:
        """The one host of each role; what is missing, doubled or left over is noted."""
        hosts: dict[Role, Host] = {}
        named: set[str] = set()
        for role in ROLES:
            members = self.groups.members(role)
            named |= {host.name for host in members}
            if not members:
                self._note_missing(role)
                continue
            for extra in members[1:]:
                message = f"a second host in the group {role!r}, which takes exactly one"
                hint = f"keep {members[0].name} or {extra.name}"
                self.document.complain(self._named_at(extra, role), message, hint, at_key=True)
            self._note_same_host(role, members[0], hosts)
            hosts[role] = members[0]
        for host in self.groups.hosts.values():
            if host.name not in named:
                hint = "put it into original, additional or clc, or leave it out"
                self.document.complain(host.location, f"{host.name} has no part in the move", hint, at_key=True)
        return hosts

    def _named_at(self, host: Host, group: str) -> Location:
        return self.groups.groups[group].hosts.get(host.name, host.location)

    def _note_missing(self, role: Role) -> None:
        others = [name for name in self.groups.groups if name not in (*ROLES, "all")]
        hint = among(role, others)
        if not hint.startswith("did you mean"):
            hint = f"add  {role}: {{hosts: {{NAME: {{ansible_host: ADDRESS}}}}}}"
        group = self.groups.groups.get(role)
        self.document.complain(group.location if group else (), f"no host in the group {role!r}", hint, at_key=True)

    def _note_same_host(self, role: Role, host: Host, hosts: dict[Role, Host]) -> None:
        for other, known in hosts.items():
            if known.name != host.name:
                continue
            message, hint = f"{host.name} stands in {other!r} and in {role!r}", "name two hosts"
            if (other, role) == ("original", "clc"):
                continue  # one service runs both
            if role == "clc":
                message = f"{host.name} is the additional Walrus and the cloud controller"
                hint = "the cloud controller may be the original Walrus, or a host of its own"
            self.document.complain(self._named_at(host, role), message, hint, at_key=True)

    def _settings(self) -> Settings | None:
        """The settings of the move: whatever any of the hosts is given, and the same for all that are given it."""
        chosen: dict[str, Location] = {}
        for variables in self.variables.values():
            for key, location in variables.migrate.items():
                if key in SETTING_KEYS:
                    self.groups.require_equal(chosen.setdefault(key, location), location)
        gathered = self.document.gather(chosen, ())
        settings = validate(gathered, Settings)
        if settings is not None and settings.cutover_window is not None and settings.strategy != "online":
            hint = "write strategy: online, or take it out"
            gathered.complain(("cutover_window",), "only an online move has a cut-over", hint, at_key=True)
        return settings

    def _node(self, role: Role) -> Node | None:
        host, variables = self.hosts[role], self.variables[role]
        of_host = {key: at for key, at in variables.migrate.items() if key in HOST_KEYS}
        reach = validate(self.document.gather(variables.ansible, host.location), HostVariables)
        own = validate(self.document.gather(of_host, host.location), HostMigrate)
        if reach is None or own is None:
            return None
        where = own.address or self._usual_address(host, reach, variables)
        connection = self._connection(host, reach, own, variables)
        disk = None if role == "clc" else own.backing_device
        if where is None:
            return None
        return Node(host.name, role, connection, where, own.uname or host.name, disk, own.replication_address)

    def _usual_address(self, host: Host, reach: HostVariables, variables: Variables) -> str | None:
        """``ansible_host``, when that is an address."""
        try:
            return address(reach.ansible_host or "")
        except ValueError:
            if self.document.unreadable(variables.ansible.get("ansible_host", host.location)):
                return None
            message = f"no IP address of {host.name}: other hosts and the cloud controller need one"
            self.document.complain(host.location, message, "add  migrate: {address: 10.0.0.5}", at_key=True)
            return None

    def _connection(self, host: Host, reach: HostVariables, own: HostMigrate, variables: Variables) -> Connection:
        if reach.ansible_connection == "local":
            become = (reach.ansible_become, reach.ansible_become_user, reach.ansible_become_method)
            return LocalConnection(*become, become_password=self._secret(reach, own, variables))
        key_file = "ansible_ssh_private_key_file"
        return SshConnection(
            address=reach.ansible_host or host.name,
            port=reach.ansible_port,
            user=reach.ansible_user,
            identity_file=self._local_file(reach.ansible_ssh_private_key_file, variables.ansible.get(key_file)),
            known_hosts=self._local_file(own.known_hosts, variables.migrate.get("known_hosts")),
            common_args=sshoptions.split(reach.ansible_ssh_common_args),
            extra_args=sshoptions.split(reach.ansible_ssh_extra_args),
            become=reach.ansible_become,
            become_user=reach.ansible_become_user,
            become_method=reach.ansible_become_method,
            become_password=self._secret(reach, own, variables),
            legacy=own.legacy_ssh,
        )

    def _secret(self, reach: HostVariables, own: HostMigrate, variables: Variables) -> Secret | None:
        """Where sudo's password is kept; it has to be there, and to be nobody else's."""
        given = [key for key in ("become_password_file", "become_password_env") if getattr(own, key) is not None]
        if not given:
            return None
        location = variables.migrate[given[0]]
        if len(given) > 1:
            self.document.complain(location, "two places for one password", "keep one of them", at_key=True)
            return None
        if not reach.ansible_become:
            hint = "add ansible_become: true, or take it out"
            self.document.complain(location, "a password for sudo, which is not asked for", hint)
        file = own.become_password_file
        secret = Secret(str(Path(file).expanduser()) if file else None, own.become_password_env)
        try:
            secret.reveal()
        except InvalidInput as wrong:
            hint = "one line, in a file of mode 0600 or the environment"
            self.document.complain(location, str(wrong), hint)
        return secret

    def _local_file(self, name: str | None, location: Location | None) -> str | None:
        """A file of this machine that has to exist."""
        if name is None:
            return None
        path = Path(name).expanduser()
        if not path.is_file():
            self.document.complain(location or (), f"{path} is no file on this machine", "look for a typing error")
        return str(path)

    def _require_distinct(self, nodes: dict[Role, Node]) -> None:
        """Different names must mean different machines."""
        seen: dict[tuple[str, str], Node] = {}
        noted: set[tuple[str, str, Location | None]] = set()
        for role, node in nodes.items():
            for what, value, location in _identities(node, self.variables[role]):
                other = seen.setdefault((what, value), node)
                if other.name == node.name or (node.name, other.name, location) in noted:
                    continue
                noted.add((node.name, other.name, location))
                message = f"{node.name} and {other.name} have the same {what}, {value}"
                at = location or self.hosts[role].location
                self.document.complain(at, message, "two names must be two machines", at_key=location is None)


def _identities(node: Node, variables: Variables) -> Iterator[tuple[str, str, Location | None]]:
    """What tells a node from the others, and the place in the file that says so."""
    reached = variables.ansible.get("ansible_host")
    at = variables.migrate.get("address", reached)
    match node.connection:
        case SshConnection(address=name, port=port):
            yield "address and port for ssh", f"{name}:{port or 22}", reached
        case LocalConnection():
            yield "connection", "local", variables.ansible.get("ansible_connection")
    yield "address", node.address, at
    if node.role != "clc":
        yield (
            "address for DRBD",
            node.replication_address or node.address,
            variables.migrate.get("replication_address", at),
        )
        yield "uname", node.uname, variables.migrate.get("uname")
