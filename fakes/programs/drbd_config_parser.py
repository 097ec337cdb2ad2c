"""The grammar of drbd.conf in DRBD 8.3 and 8.4, with the complaints of drbdadm."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from fakes.program import UnsupportedInvocation
from fakes.programs import drbd_vocabulary as vocabulary
from fakes.programs.drbd_config import (
    UNREADABLE,
    Configuration,
    ConfigurationError,
    HostSection,
    Place,
    ResourceSection,
    Source,
    Token,
    tokens_of,
)

_NUMBER = re.compile(r"\d+[kKmMgGsS]?\Z")
_IN_RESOURCE = "protocol | on | disk | net | syncer | startup | handlers | ignore-on | stacked-on-top-of"
_AT_TOP = "global | common | resource | skip | include"
_IN_HOST = "disk | device | address | meta-disk | flexible-meta-disk"
_IN_GLOBAL = "dialog-refresh | minor-count | disable-ip-verification"
_GLOBAL_NUMBERS = frozenset({"dialog-refresh", "minor-count"})
_GLOBAL_84 = frozenset({"udev-always-use-vnr"})


@dataclass
class _Host:
    """What has been read of an ``on`` section, or of a resource for all its hosts."""

    name: str
    place: Place
    device: str | None = None
    minor: int | None = None
    disk: str | None = None
    meta: str | None = None
    address: tuple[str, int] | None = None


@dataclass
class _Section:
    """What has been read of a resource or of ``common``."""

    name: str
    place: Place
    protocol: str = ""
    hosts: list[_Host] = field(default_factory=list)
    shared: _Host | None = None
    options: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # section to what it says, in order


class Parser:
    """Reads one file with its includes."""

    def __init__(self, version: str) -> None:
        self._old = version == "8.3"
        self._allowed = vocabulary.OPTIONS_83 if self._old else vocabulary.OPTIONS_84
        self._string_number = 281 if self._old else 282
        self._used: dict[str, Place] = {}
        self._common: _Section | None = None
        self._resources: list[_Section] = []
        self._seen: set[str] = set()
        self._complaints: list[str] = []
        self._file = ""
        self._tokens: tuple[Token, ...] = ()
        self._at = 0
        self._last_line = 1

    def parse(self, source: Source) -> Configuration:
        """The configuration.

        Raises:
            ConfigurationError, UnsupportedInvocation
        """
        self._top(source)
        if self._complaints:
            raise ConfigurationError("".join(self._complaints))
        return Configuration({section.name: self._finished(section) for section in self._resources})

    # Words

    def _next(self) -> Token:
        if self._at < len(self._tokens):
            self._at += 1
            return self._tokens[self._at - 1]
        return Token("", self._last_line)

    def _place(self, token: Token) -> Place:
        return Place(self._file, token.line)

    def _unexpected(self, expected: str, token: Token, numbered: bool = False) -> ConfigurationError:
        number = ord(token.text) if token.text in tuple("{};[]") else self._string_number if token.text else 0
        shown = f"'{token.text}' (TK {number})" if numbered else f"'{token.text}'"
        return ConfigurationError(f"{self._place(token)}: Parse error: '{expected}' expected,\n\tbut got {shown}\n")

    def _expect(self, sign: str, numbered: bool = True) -> Token:
        token = self._next()
        if token.text != sign or token.quoted:
            raise self._unexpected(sign, token, numbered)
        return token

    def _string(self, expected: str = "TK_STRING") -> str:
        token = self._next()
        if not token.quoted and (token.text == "" or token.text in "{};"):
            raise self._unexpected(expected, token, numbered=True)
        return token.text

    def _claim(self, key: str, what: str, token_place: Place) -> None:
        """Note the first use of something that may be used once."""
        first = self._used.setdefault(key, token_place)
        if first is not token_place:
            raise ConfigurationError(
                f"{token_place}: conflicting use of {what} '{key}' ...\n{first}: {what} '{key}' first used here.\n"
            )

    # Files

    def _top(self, source: Source) -> None:
        if source.path in self._seen and not self._old:
            return  # 8.4 reads a file once, however often it is included
        self._seen.add(source.path)
        outer = self._file, self._tokens, self._at, self._last_line
        self._file, self._tokens, self._at = source.path, tokens_of(source.text), 0
        self._last_line = source.text.count("\n") + 1
        included = iter(source.included)
        while self._at < len(self._tokens):
            token = self._next()
            if token.text == "include" and not token.quoted:
                self._include(token, next(included))
            else:
                self._statement(token)
        self._file, self._tokens, self._at, self._last_line = outer

    def _include(self, token: Token, found: tuple[Source, ...] | None) -> None:
        name = self._string()
        self._expect(";")
        if found is None:
            raise ConfigurationError(f"{self._place(token)}: Failed to open include file '{name}'.\n")
        for source in found:
            self._top(source)

    def _statement(self, token: Token) -> None:
        match "" if token.quoted else token.text:
            case "global":
                self._claim("global", "global section", self._place(token))
                self._global()
            case "common":
                self._common = _Section("common", self._place(token))
                self._claim("common", "resource section", self._common.place)
                self._expect("{")
                self._body(self._common)
            case "resource":
                section = _Section(self._string(), self._place(token))
                self._expect("{")
                self._claim(section.name, "resource section", section.place)
                self._resources.append(section)
                self._body(section)
            case "skip":
                raise UnsupportedInvocation(f"{self._place(token)}: skip is not modelled")
            case _:
                raise self._unexpected(_AT_TOP, token)

    def _global(self) -> None:
        self._expect("{")
        while (token := self._next()).text != "}":
            if token.text == "usage-count":
                answer = self._next()
                if answer.text not in ("yes", "no", "ask"):
                    raise self._unexpected("yes | no | ask", answer)
            elif token.text in _GLOBAL_NUMBERS or token.text.startswith("cmd-timeout-"):
                self._next()
            elif token.text != "disable-ip-verification" and (self._old or token.text not in _GLOBAL_84):
                raise self._unexpected(_IN_GLOBAL, token)
            self._expect(";")

    # Resources

    def _body(self, section: _Section) -> None:
        while (token := self._next()).text not in ("}", ""):
            word = "" if token.quoted else token.text
            if word == "protocol":
                self._protocol(section, token)
            elif word == "on":
                self._host(section, token)
            elif word in self._allowed:
                self._options(section, token)
            elif word in ("device", "disk", "meta-disk", "flexible-meta-disk"):
                self._shared(section, token)
            elif word in ("volume", "floating", "stacked-on-top-of", "ignore-on", "proxy", "template-file"):
                raise UnsupportedInvocation(f"{self._place(token)}: {word} is not modelled")
            else:
                raise self._unexpected(_IN_RESOURCE, token, numbered=True)

    def _protocol(self, section: _Section, token: Token) -> None:
        self._claim(f"{section.name}: protocol", "protocol statement", self._place(token))
        section.protocol = self._string()
        self._expect(";")
        if section.protocol not in ("A", "B", "C") and not self._old:
            raise ConfigurationError(f"unknown protocol '{section.protocol}', should be one of A,B,C\n")

    def _options(self, section: _Section, token: Token) -> None:
        kind = token.text
        if kind == "disk" and self._tokens[self._at : self._at + 1] and self._tokens[self._at].text != "{":
            self._shared(section, token)
            return
        if kind in section.options:
            self._claim(f"{section.name}:{kind}", f"{kind} section", self._place(token))
        self._used.setdefault(f"{section.name}:{kind}", self._place(token))
        self._expect("{")
        found = section.options.setdefault(kind, [])
        while (option := self._next()).text != "}":
            if option.text not in self._allowed[kind]:
                legacy = kind == "syncer" and not self._old
                raise self._unexpected("a syncer option keyword" if legacy else "an option keyword", option)
            found.append((option.text, self._value(option)))

    def _value(self, option: Token) -> str:
        if option.text in vocabulary.FLAGS and self._tokens[self._at].text == ";":
            value = "yes"
        else:
            value = self._string("TK_STRING | TK_INTEGER")
        end = self._next()
        if end.text != ";":
            raise self._unexpected("_is_default | ;" if self._old else ";", end)
        if option.text in vocabulary.RATES and not _NUMBER.match(value):
            raise ConfigurationError(f"{value} is not a valid number\n", UNREADABLE)
        if option.text == "ping-int" and not 1 <= int(value) <= 120:
            self._complain(option, f"ping-int {value} => {value} out of range [1..120].")
        return value

    def _complain(self, token: Token, text: str) -> None:
        self._complaints.append(f"{self._place(token)}: {text}\n")

    # Hosts

    def _shared(self, section: _Section, token: Token) -> None:
        """A statement of a host that stands in the resource and counts for all its hosts."""
        if section.shared is None:
            section.shared = _Host("", section.place)
        self._host_statement(section, section.shared, token)

    def _host(self, section: _Section, token: Token) -> None:
        host = _Host(self._string(), self._place(token))
        if self._tokens[self._at : self._at + 1] and self._tokens[self._at].text != "{":
            raise UnsupportedInvocation(f"{host.place}: one section for several hosts is not modelled")
        self._expect("{")
        self._claim(f"{section.name}: on {host.name}", "host section", host.place)
        while (statement := self._next()).text != "}":
            self._host_statement(section, host, statement)
        section.hosts.append(host)
        self._complaints += self._lacking(section, host)

    def _host_statement(self, section: _Section, host: _Host, token: Token) -> None:
        statements: dict[str, Callable[[_Host], None]] = {
            "device": self._device,
            "disk": self._disk,
            "address": self._address,
            "meta-disk": self._meta,
            "flexible-meta-disk": self._meta,
        }
        if token.quoted or token.text not in statements:
            raise self._unexpected(_IN_HOST, token)
        word = "meta-disk" if token.text == "flexible-meta-disk" else token.text
        self._claim(f"{section.name}:{host.name}:{word}", f"{word} statement", self._place(token))
        statements[word](host)

    def _device(self, host: _Host) -> None:
        token = self._next()
        host.device = None if token.text == "minor" else token.text
        if token.text != "minor" and self._tokens[self._at].text == "minor":
            self._next()
            token = self._next()
        elif token.text == "minor":
            token = self._next()
        digits = token.text.removeprefix("/dev/drbd")
        if not digits.isdigit():
            raise self._unexpected("TK_INTEGER", token, numbered=True)
        host.minor = int(digits)
        host.device = host.device or f"/dev/drbd{host.minor}"
        if host.name:
            self._claim_on_host("device-minor", host, str(host.minor), self._place(token))
        self._expect(";")

    def _disk(self, host: _Host) -> None:
        token = self._next()
        host.disk = token.text
        if host.name and self._old:
            self._claim_on_host("disk", host, host.disk, self._place(token))
        self._expect(";")

    def _claim_on_host(self, what: str, host: _Host, value: str, place: Place) -> None:
        self._claim(f"{what}:{host.name}:{value}", what, place)

    def _meta(self, host: _Host) -> None:
        host.meta = self._string()
        if host.meta != "internal":
            raise UnsupportedInvocation(f"{self._file}: external meta data are not modelled")
        self._expect(";")

    def _address(self, host: _Host) -> None:
        token = self._next()
        family = token.text if token.text in ("ipv4", "ipv6", "ssocks", "sdp", "sci") else ""
        if family:
            token = self._next()
        text = token.text
        if text == "[":
            text = f"[{self._string()}]{self._expect(']') and ''}{self._next().text}"
        address, colon, port = text.rpartition(":")
        if not colon:
            raise self._unexpected(":", self._next(), numbered=True)
        self._expect(";")
        host.address = address.strip("[]"), int(port)
        if not 1 <= int(port) <= 65535:
            self._complain(token, f"port {port} => {port} out of range [1..65535].")
            self._complain(token, f"port {port} => {port} out of range [1..65535].")
        self._claim(f"{address}:{port}", "IP", self._place(token))

    def _lacking(self, section: _Section, host: _Host) -> list[str]:
        """What an ``on`` section must say and does not."""
        shared = section.shared or _Host("", host.place)
        missing = {
            "device": host.minor is None and shared.minor is None,
            "disk": host.disk is None and shared.disk is None,
            "address": host.address is None,
            "meta-disk": host.meta is None and shared.meta is None,
        }
        if self._old:
            words = [word for word, lacks in missing.items() if lacks]
        else:
            words = ["address"] if missing["address"] else []
            volume = [word for word in ("device", "disk", "meta-disk") if missing[word]]
            words += volume if len(volume) < 3 else []
            words += ["meta-index"] if "meta-disk" in words else []
        where = f"{host.place}: in resource {section.name}, on {host.name} {{ ... }}"
        return [f"{where}: '{word}' keyword missing.\n" for word in words]

    # What it comes to

    def _finished(self, section: _Section) -> ResourceSection:
        net: dict[str, str] = {}
        attach: dict[str, str] = {}
        syncer: dict[str, str] = {}
        protocol = section.protocol
        for layer in (self._common, section):
            for kind, options in layer.options.items() if layer else ():
                for name, value in options:
                    if (kind, name) == ("net", "protocol"):
                        protocol = protocol or value
                    elif kind == "net" or (kind == "syncer" and not self._old and name in vocabulary.NETWORK_IN_SYNCER):
                        net[name] = value
                    elif kind == "syncer" and self._old:
                        syncer[name] = value
                    elif kind in ("disk", "syncer"):
                        attach[vocabulary.RENAMED.get(name, name)] = value
        protocol = protocol or (self._common.protocol if self._common else "")
        hosts = {host.name: _host_section(host, section.shared) for host in section.hosts}
        return ResourceSection(section.name, section.place, hosts, protocol or "C", net, attach, syncer)


def _host_section(host: _Host, shared: _Host | None) -> HostSection:
    common = shared or _Host("", host.place)
    address, port = host.address or ("", 0)
    minor = host.minor if host.minor is not None else common.minor
    return HostSection(
        host.name, host.device or common.device or "", minor or 0, host.disk or common.disk or "", address, port
    )
