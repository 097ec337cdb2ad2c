"""Options for ssh that an inventory may add: an argument list without a word that ssh would take for a host or command.

How a host's identity is checked, how its connection is shared and whose login it is have keys of their own in the
inventory, or are the tool's business; options that would change them behind its back are refused.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from harness.yamlmodel import wrong

_FLAGS = set("46aACkKx")
_WITH_VALUE = set("BbcFiIJmo")
_TAKEN = {
    "port": "use ansible_port",
    "user": "use ansible_user",
    "hostname": "use ansible_host",
    "userknownhostsfile": "use known_hosts under migrate",
    "globalknownhostsfile": "use known_hosts under migrate",
    "knownhostscommand": "use known_hosts under migrate",
    "stricthostkeychecking": "host keys are always checked; use known_hosts under migrate",
    "verifyhostkeydns": "host keys are always checked; use known_hosts under migrate",
    "nohostauthenticationforlocalhost": "host keys are always checked; use known_hosts under migrate",
    "updatehostkeys": "known_hosts is never changed",
    **dict.fromkeys(("controlmaster", "controlpath", "controlpersist"), "connections are shared already"),
    **dict.fromkeys(
        ("batchmode", "loglevel", "requesttty", "remotecommand", "localcommand", "permitlocalcommand", "sessiontype"),
        "the tool talks to ssh in its own way",
    ),
    **dict.fromkeys(("stdinnull", "forkafterauthentication", "tag"), "the tool talks to ssh in its own way"),
}


def split(text: str) -> tuple[str, ...]:
    """The options as arguments.

    Raises:
        ValueError: with a suggestion, when it is not a list of allowed options.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise wrong(f"this cannot be split into arguments: {error}", "close every quote") from None
    if any(not character.isprintable() for character in text):
        raise wrong("this holds a line break or another character that cannot be printed", "write it in one line")
    for option, value in _pairs(words):
        if option == "-o":
            _check_setting(value)
    return tuple(words)


def joined(arguments: tuple[str, ...]) -> str:
    """The text that ``split`` turns into these arguments."""
    return shlex.join(arguments)


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value; the value may be the rest of its word or the next word."""
    rest = iter(words)
    for word in rest:
        if len(word) < 2 or word[0] != "-":
            raise wrong(f"{word!r} is not an option", "ssh would take it for a host or a command")
        letter = word[1]
        if letter in _WITH_VALUE:
            value = word[2:] or next(rest, "")
            if not value:
                raise wrong(f"-{letter} has no value", "add it, or remove the option")
            yield f"-{letter}", value
        elif not set(word[1:]) <= _FLAGS:
            hint = "ansible_user and ansible_port say this" if letter in "lp" else "remove it"
            raise wrong(f"{word} is not allowed here", hint)


def _check_setting(setting: str) -> None:
    """One ``Keyword=value`` or ``Keyword value`` of -o."""
    keyword, _, value = setting.replace("=", " ", 1).strip().partition(" ")
    name = keyword.lower()
    if not name.isalnum() or not value.strip():
        raise wrong(f"-o {setting!r} is no setting", "write -o Keyword=value")
    if name in _TAKEN:
        raise wrong(f"{keyword} cannot be set here", _TAKEN[name])
